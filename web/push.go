package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
)

const (
	// continueTime is how long a server may take to say whether it wants a body, before it gets it unasked (RFC 9110, 10.1.1).
	continueTime = time.Second
	// finishTime is how long a server may take to answer what has ended.
	finishTime = 2 * time.Second
)

// errHungUp says that a server takes no more of a body.
var errHungUp = errors.New("web: the server has hung up")

// Push publishes the stream key to a URL (http or https, user and password in it if need be) as FLV, in the body of one POST that lasts until
// ctx or either side ends. It is for servers that take a stream so, such as an ffmpeg that listens, or one of your own; most media servers,
// this one too, want RTMP or RTSP. It does not wait for the stream: without it the error is [media.ErrStreamNotFound]. The error is never
// nil: that of ctx, io.EOF when the stream has ended, a *[StatusError] when the server does not take it, media.ErrUnknownTrack if FLV carries none of
// its tracks, or what the network failed with. The server is asked first whether it wants the body (RFC 9110, 10.1.1); one that says nothing gets
// it after a second. Redirects are not followed. The push counts as a reader of the stream: it is in the session list, and whoever kicks it
// there ends it with the cause.
func Push(ctx context.Context, m *media.Server, key media.StreamKey, rawURL string, cfg ClientConfig) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	encoder := flv.Encoder{Legacy: cfg.LegacyCodecs}
	if err := carried(ctx, m, key, encoder); err != nil {
		return err
	}
	u, err := url.Parse(rawURL)
	if err != nil || len(rawURL) > maxURL || isWebSocket(u) {
		return fmt.Errorf("web: %.200q is no URL to push to", redact.URL(rawURL))
	}
	cfg = cfg.withDefaults()
	within, over := context.WithTimeoutCause(ctx, cfg.DialTimeout, errNoReply)
	defer over()
	conn, err := dial(within, u, &cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c := &client{conn: conn, url: u, left: maxReplyHead}
	c.entry = m.NewSession(hook.Session{
		Schema: "rtmp", Protocol: u.Scheme, Remote: acceptor.Address(conn.RemoteAddr()), Local: acceptor.Address(conn.LocalAddr()),
	}, func(cause error) {
		cancel(cause)
		conn.Close()
	})
	defer c.entry.Close()
	player, err := m.Play(ctx, media.PlayRequest{Stream: key, Session: c.entry, Schema: "rtmp", Authorized: true, NoWait: true})
	if err != nil {
		return err
	}
	p := &push{client: c, player: player, encoder: encoder, cfg: cfg, wanted: make(chan struct{}), heard: make(chan error, 1)}
	err = acceptor.Guard(func() error { return p.run(ctx) })
	switch cause := c.entry.Err(); {
	case cause != nil:
		err = cause
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	player.Close(err)
	return err
}

// carried returns why a stream cannot be pushed, once its tracks are known.
func carried(ctx context.Context, m *media.Server, key media.StreamKey, e flv.Encoder) error {
	st, ok := m.Stream(key)
	if !ok {
		return media.ErrStreamNotFound
	}
	tracks, err := st.Tracks(ctx)
	if err == nil && !slices.ContainsFunc(tracks, e.Carries) {
		err = fmt.Errorf("web: FLV carries no track of %s: %w", key, media.ErrUnknownTrack)
	}
	return err
}

// push is a stream that is pushed.
type push struct {
	*client
	player  *media.Player
	encoder flv.Encoder
	cfg     ClientConfig
	wanted  chan struct{} // closed when the server wants the body
	heard   chan error    // why it wants no more
}

// pushed is what the pushes have in common whose bodies are the same.
type pushed struct{ legacy bool }

func (p *push) run(ctx context.Context) error {
	request, head, err := p.request()
	if err != nil {
		return err
	}
	if err := p.conn.SetDeadline(time.Now().Add(p.cfg.DialTimeout)); err != nil {
		return err
	}
	if _, err := p.conn.Write(head); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if err := p.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	var others sync.WaitGroup
	defer others.Wait()
	defer p.conn.Close() // ends hear
	others.Go(func() { p.heard <- p.hear(request) })
	unasked := time.NewTimer(continueTime)
	defer unasked.Stop()
	select {
	case <-p.wanted:
	case <-unasked.C:
	case err := <-p.heard:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ended := make(chan error, 1)
	format, release, err := outbound.Format(ctx, p.player.Stream(), pushed{p.cfg.LegacyCodecs}, func() *media.Format { return newPushFormat(p.encoder) })
	if err != nil {
		return err
	}
	defer release()
	feed, err := p.player.Feed(p.conn, format, media.FeedOptions{OnEnd: func(err error) { ended <- err }})
	if err != nil {
		return err
	}
	defer feed.Close()
	others.Go(func() { outbound.Tell(p.cfg.OnPlaying, p.player.Stream().Server(), p.entry) })
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-p.heard:
		return err
	case err := <-ended:
		return p.finish(err)
	}
}

// request returns the request, and what of it goes before the body.
func (p *push) request() (*http.Request, []byte, error) {
	r := &http.Request{
		Method: http.MethodPost, URL: p.url, Host: p.url.Host, ContentLength: -1, Body: io.NopCloser(strings.NewReader("")),
		Header: http.Header{"User-Agent": {"Sluice"}, "Content-Type": {"video/x-flv"}, "Expect": {"100-continue"}},
	}
	p.authorize(r)
	var head bytes.Buffer
	if err := r.Write(&head); err != nil {
		return nil, nil, fmt.Errorf("web: %w", err)
	}
	return r, bytes.TrimSuffix(head.Bytes(), []byte(lastChunk)), nil
}

// hear reads what the server says, until it wants no more.
func (p *push) hear(request *http.Request) error {
	from := bufio.NewReader(p.client)
	want := sync.OnceFunc(func() { close(p.wanted) })
	for {
		reply, err := http.ReadResponse(from, request) //nolint:bodyclose // it ends with the connection
		switch {
		case err != nil && p.left <= 0:
			return errHead
		case err != nil:
			return errHungUp
		case reply.StatusCode == http.StatusContinue:
			want()
		case reply.StatusCode/100 == 1:
		case reply.StatusCode/100 == 2: // it may be early, and take the body all the same
			want()
			p.left = math.MaxInt64
			_, _ = io.Copy(io.Discard, from)
			return errHungUp
		default:
			return statusError(reply)
		}
	}
}

// finish ends the body, and waits a little for what the server says of it.
func (p *push) finish(err error) error {
	if !errors.Is(err, io.EOF) || p.conn.SetDeadline(time.Now().Add(finishTime)) != nil {
		return err
	}
	if _, failed := io.WriteString(p.conn, lastChunk); failed != nil {
		return err
	}
	if status, ok := errors.AsType[*StatusError](<-p.heard); ok {
		return status
	}
	return err
}
