package relay

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// EdgeConfig is for [Relay.Edge].
type EdgeConfig struct {
	// Origins are where streams come from: URLs in which the first %s stands for the app and the second for the name of a stream, such as
	// "rtmp://10.0.0.1/%s/%s". One after the other is tried, each time beginning with another.
	Origins []string
	// Timeout is for all of them together, until media comes. 0 means 15 s.
	Timeout time.Duration
	// MaxRetries is how often to try again when a stream that has come has gone: that of Retry.
	MaxRetries int
}

const (
	defaultEdgeTimeout = 15 * time.Second
	// maxHops bounds how many servers a request has come through.
	maxHops = 8
)

var (
	errNoSource = errors.New("relay: there is nowhere to pull from")
	errLoop     = fmt.Errorf("%w: an edge asks for it that asks here in the end", media.ErrStreamNotFound)
	errNoEdge   = fmt.Errorf("%w: an edge asks for it, and it is not here", media.ErrStreamNotFound)
)

// Edge makes the server an edge of others: what is not there is pulled from them, while somebody watches it. What the player has said
// in its query they are told, behind edge=1, the vhost, and hops, which names the servers that have asked: so a request that has come
// back to a server ends there. An unknown stream is asked for once with each query, and the answer remembered for a second: who is refused
// spoils nothing for others, who wait for their turn if it has not come yet: that of one network after the other, however much each asks.
// What nobody watches ends without a question to OnStreamNoneReader: it is there for the players only.
//
// Without origins it only answers edges: they are told at once of a stream that is not there. The error is of an origin that is no URL
// with two places in it.
func (r *Relay) Edge(cfg EdgeConfig) (stop func(), err error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultEdgeTimeout)
	for _, o := range cfg.Origins {
		if _, err := originURL(o, media.StreamKey{App: "app", Name: "stream"}, "x=1"); err != nil {
			return nil, err
		}
	}
	e := &origins{cfg: cfg, id: strings.ToLower(rand.Text()[:12])}
	return r.demand(e.sources), nil
}

// origins are where the streams of an edge come from.
type origins struct {
	cfg  EdgeConfig
	id   string // of this server among the hops
	turn atomic.Uint32
}

func (e *origins) sources(q *media.OpenRequest) ([]PullRequest, error) {
	hops, fromEdge := hopsOf(q.Session.Params)
	switch {
	case slices.Contains(hops, e.id) || len(hops) >= maxHops:
		return nil, errLoop
	case fromEdge && (len(e.cfg.Origins) == 0 || len(hops) == 0): // an edge that has no hops wants no answer of third parties
		return nil, errNoEdge
	case len(e.cfg.Origins) == 0:
		return nil, hook.ErrNotHandled
	}
	query := edgeQuery(append(hops, e.id), q.Stream.VHost, q.Session.Params)
	var list []PullRequest
	from := int(e.turn.Add(1) - 1)
	for i := range e.cfg.Origins {
		o := e.cfg.Origins[(from+i)%len(e.cfg.Origins)]
		u, err := originURL(o, q.Stream, query)
		if err != nil {
			return nil, err
		}
		request := PullRequest{URL: u}
		request.Timeout = e.cfg.Timeout / time.Duration(len(e.cfg.Origins))
		request.MaxRetries = e.cfg.MaxRetries
		request.Options.EnableMP4, request.Options.NoneReaderHook = new(false), new(false)
		if strings.HasPrefix(q.Schema, "hls") {
			request.Options.EnableHLS, request.Options.EnableHLSFMP4 = new(true), new(true)
		}
		list = append(list, request)
	}
	return list, nil
}

// hopsOf returns the servers that a request has come through, and whether it is one of an edge: edge=1 comes first, as ZLMediaKit has it,
// or behind what the URL of an origin has of its own, where the servers are named.
func hopsOf(params string) (hops []string, fromEdge bool) {
	parts := strings.Split(params, "&")
	for _, part := range parts {
		if list, ok := strings.CutPrefix(part, "hops="); ok && list != "" && slices.Contains(parts, "edge=1") {
			return strings.Split(list, "."), true
		}
	}
	return nil, parts[0] == "edge=1"
}

// edgeQuery is what an origin is told.
func edgeQuery(hops []string, vhost, params string) string {
	parts := []string{"edge=1", "hops=" + strings.Join(hops, "."), "vhost=" + url.QueryEscape(vhost)}
	for part := range strings.SplitSeq(params, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name != "" && name != "edge" && name != "hops" && name != "vhost" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "&")
}

// originURL puts a stream and a query into an origin.
func originURL(origin string, key media.StreamKey, query string) (string, error) {
	if strings.Count(origin, "%s") != 2 {
		return "", fmt.Errorf("relay: the origin %q does not have %%s twice, for app and stream", origin)
	}
	for _, part := range []string{key.App, key.Name} {
		origin = strings.Replace(origin, "%s", (&url.URL{Path: part}).EscapedPath(), 1)
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("relay: the origin %q is no URL", origin)
	}
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String(), nil
}
