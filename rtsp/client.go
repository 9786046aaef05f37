package rtsp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// ClientConfig of [Pull] and [Push]. The zero value works.
type ClientConfig struct {
	// Transport is how media travels. AnyTransport tries interleaved TCP, and UDP if the server refuses that;
	// UDP falls back to TCP the same way.
	Transport Transport
	// TLSConfig is for rtsps URLs.
	TLSConfig *tls.Config
	// DialTimeout bounds connecting, and each request. 0 means 10 s.
	DialTimeout time.Duration
	// IdleTimeout ends a pull that gets no media for so long. 0 means 15 s.
	IdleTimeout time.Duration
	// KeepAlive is the time between two signs of life, at least a second. 0 means half of what the server asks for, and 30 s at most.
	KeepAlive time.Duration
	// UserAgent is what the client calls itself. Empty means "Sluice".
	UserAgent string
	// Dial opens connections. Nil means a net.Dialer's; a host can keep addresses away here.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// MaxPayload is the most bytes of payload of an RTP packet that is pushed. 0 means 1400.
	MaxPayload int
	// TornPictures is that of [Config].
	TornPictures bool
	// Options of the stream that is pulled go before the server's. ContinuePush is how long it waits when the other side
	// has dropped it; it does not when ctx has ended.
	Options hook.StreamOptions
	// Speed asks the server of a pull to play its recording so many times as fast (RFC 2326, 12.34), from 1/32 to 32. 0 means 1. Stamps of the
	// stream are at the pace of who watches, see [Control].
	Speed float64
	// Control, if it is not nil, controls what a pull plays while it does.
	Control *Control
	// OnPlaying, if it is not nil, is called once with the session of the connection: by Pull when the tracks of the stream are known, so
	// that it can be watched (x.Publisher().Stream()), and by Push when the server takes it (x.Player().Stream()). It is called on a
	// goroutine of its own, which Pull and Push wait for.
	OnPlaying func(x *media.Session)
}

func (c ClientConfig) withDefaults() ClientConfig {
	fill(&c.DialTimeout, 10*time.Second)
	fill(&c.IdleTimeout, defaultIdleTimeout)
	fill(&c.UserAgent, "Sluice")
	fill(&c.MaxPayload, defaultMaxPayload)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

// StatusError is what [Pull] and [Push] return when the server refuses a request.
type StatusError struct {
	Method string
	Code   int // of the response, RFC 2326, 7.1.1
	Reason string
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("rtsp: %s was answered with %d %s", e.Method, e.Code, e.Reason)
}

// maxWanted bounds the messages in front of a response.
const maxWanted = 10000

// client is a connection to a server. One goroutine sends requests and waits for responses, and later one
// reads and another writes.
type client struct {
	cfg    ClientConfig
	url    string // without credentials
	user   *url.Userinfo
	conn   net.Conn
	reader *wire.Reader
	frame  func(f wire.Frame, now time.Time) // gets what comes in between

	alive []string // the methods that tell the server that the client lives, the best first

	mu   sync.Mutex // guards writing, and cseq
	cseq int

	known   sync.Mutex        // guards what follows; not held for long, and taken behind mu
	asked   map[int]*question // what is asked while another goroutine reads, by its number
	session string
	timeout time.Duration // of the session
	auth    headers.Authenticate
	proves  bool // auth is what the server asked for
}

// dial connects to the server of a URL.
func dial(ctx context.Context, rawURL string, cfg ClientConfig) (*client, error) {
	u, err := url.Parse(rawURL)
	if err != nil { // it repeats the URL, and what it takes for a port may be of a password
		return nil, fmt.Errorf("rtsp: %.200q is no URL", redact.URL(rawURL))
	}
	port := "554"
	switch u.Scheme {
	case "rtsp":
	case "rtsps":
		port = "322"
	default:
		return nil, fmt.Errorf("rtsp: %q is no scheme of RTSP", u.Scheme)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	c := &client{cfg: cfg.withDefaults(), user: u.User, timeout: time.Minute}
	address := u.Host
	c.home(u)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	dialer := outbound.Dialer(c.cfg.Dial)
	if u.Scheme == "rtsps" {
		c.conn, err = dialer.DialTLS(ctx, address, u.Hostname(), c.cfg.TLSConfig)
	} else {
		c.conn, err = dialer.Dial(ctx, address)
	}
	if err != nil {
		return nil, fmt.Errorf("rtsp: %w", err)
	}
	c.reader = wire.NewReader(c.conn, largeBuffer, nil)
	return c, nil
}

// home takes out of a URL what is for this machine only: the credentials, and the zone of an address (RFC 4007, 11.2).
func (c *client) home(u *url.URL) {
	if host, err := netip.ParseAddr(u.Hostname()); err == nil && host.Zone() != "" {
		u.Host = net.JoinHostPort(host.WithZone("").String(), u.Port())
	}
	u.User = nil
	c.url = u.String()
}

// do sends a request and returns its response, whose code is 200. It proves who the user is when asked to.
func (c *client) do(method, target string, h wire.Header, body []byte) (*wire.Response, error) {
	res, err := c.roundTrip(method, target, h, body)
	if err == nil && res.Code == wire.StatusUnauthorized && c.user != nil && c.challenged(res) {
		res, err = c.roundTrip(method, target, h, body)
	}
	if err != nil {
		return nil, fmt.Errorf("rtsp: %s: %w", method, err)
	}
	if res.Code != wire.StatusOK {
		return nil, &StatusError{Method: method, Code: res.Code, Reason: res.Reason}
	}
	return res, nil
}

// challenged takes over what the server wants to have proved.
func (c *client) challenged(res *wire.Response) bool {
	c.known.Lock()
	defer c.known.Unlock()
	for _, v := range res.Header.Values("WWW-Authenticate") {
		var h headers.Authenticate
		if h.Unmarshal(base.HeaderValue{v}) != nil {
			continue
		}
		if h.Method == headers.AuthMethodDigest && h.Algorithm != nil && *h.Algorithm != headers.AuthAlgorithmMD5 {
			continue
		}
		if !c.proves || h.Method == headers.AuthMethodDigest {
			c.auth, c.proves = h, true
		}
	}
	return c.proves
}

func (c *client) roundTrip(method, target string, h wire.Header, body []byte) (*wire.Response, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.cfg.DialTimeout)); err != nil {
		return nil, err
	}
	cseq, err := c.send(method, target, h, body, nil)
	if err != nil {
		return nil, err
	}
	for range maxWanted {
		m, err := c.reader.Next()
		if err != nil {
			return nil, err
		}
		switch {
		case m.Response != nil:
			if got := m.Response.Header.Get("CSeq"); got == strconv.Itoa(cseq) || got == "" {
				c.adopt(m.Response)
				return m.Response, nil
			}
		case m.Request == nil && c.frame != nil:
			c.frame(m.Frame, time.Now())
		}
	}
	return nil, errors.New("no response among what the server sends")
}

// adopt takes over the session that a response names.
func (c *client) adopt(res *wire.Response) {
	id, params, _ := strings.Cut(res.Header.Get("Session"), ";")
	if id = strings.TrimSpace(id); id == "" {
		return
	}
	c.known.Lock()
	defer c.known.Unlock()
	c.session = id
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if n, err := strconv.Atoi(value); strings.EqualFold(name, "timeout") && err == nil && n > 0 && n < 86400 {
			c.timeout = time.Duration(n) * time.Second
		}
	}
}

// send sends a request. q, if it is not nil, gets the response from the goroutine that reads.
func (c *client) send(method, target string, h wire.Header, body []byte, q *question) (cseq int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cseq++
	r := wire.Request{Method: method, URL: target, Header: append(c.head(method, target, q), h...), Body: body}
	return c.cseq, c.put(r.Append(nil))
}

// head is what all requests begin with. q is known before its response can come. c.mu is held.
func (c *client) head(method, target string, q *question) wire.Header {
	c.known.Lock()
	defer c.known.Unlock()
	if q != nil {
		if c.asked == nil {
			c.asked = map[int]*question{}
		}
		c.asked[c.cseq] = q
	}
	head := wire.Header{}
	head.Add("CSeq", strconv.Itoa(c.cseq))
	head.Add("User-Agent", c.cfg.UserAgent)
	if c.session != "" {
		head.Add("Session", c.session)
	}
	if c.proves {
		head.Add("Authorization", c.proof(method, target))
	}
	return head
}

// write sends interleaved frames.
func (c *client) write(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.put(b)
}

// smallWrite is up to how many bytes are copied to be one write, which is faster.
const smallWrite = 64 << 10

// writeAll sends interleaved frames. Large ones are not copied: a server that is slow holds up what others have, too.
func (c *client) writeAll(chunks [][]byte) error {
	size := 0
	for _, chunk := range chunks {
		size += len(chunk)
	}
	if size <= smallWrite {
		return c.write(bytes.Join(chunks, nil))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.due(); err != nil {
		return err
	}
	all := net.Buffers(slices.Clone(chunks)) // which is used up
	_, err := all.WriteTo(c.conn)
	return err
}

// put writes with a deadline of its own: that of the write before may have passed long ago. c.mu is held.
func (c *client) put(b []byte) error {
	if err := c.due(); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// due sets until when the next write is to be over.
func (c *client) due() error { return c.conn.SetWriteDeadline(time.Now().Add(c.cfg.DialTimeout)) }

// proof is the value of an Authorization header (RFC 2617, 2 and 3.2.2).
func (c *client) proof(method, target string) string {
	password, _ := c.user.Password()
	h := headers.Authorization{Method: c.auth.Method, Username: c.user.Username(), BasicPass: password}
	if c.auth.Method == headers.AuthMethodDigest {
		h.Realm, h.Nonce, h.URI, h.Opaque = c.auth.Realm, c.auth.Nonce, target, c.auth.Opaque
		ha1 := md5Hex(h.Username + ":" + h.Realm + ":" + password)
		h.Response = md5Hex(ha1 + ":" + h.Nonce + ":" + md5Hex(method+":"+target))
	}
	return strings.Join(h.Marshal(), ", ")
}

// setup makes room for one media, by the transports that the configuration allows, the preferred one first. The
// first that works is kept for the others. take tells what the server said; its error tries the next.
func (c *client) setup(target string, kinds []Transport, header func(kind Transport) (string, error), take func(kind Transport, t wire.Transport) error) ([]Transport, error) {
	var err error
	for i, kind := range kinds {
		var want string
		if want, err = header(kind); err != nil {
			continue
		}
		var res *wire.Response
		res, err = c.do("SETUP", target, wire.Header{{Name: "Transport", Value: want}}, nil)
		if refused, ok := errors.AsType[*StatusError](err); ok && refused.Code == wire.StatusUnsupportedTransport {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Servers leave out the header, or half of it, when there is nothing to add to what was asked for.
		t := wire.Transport{TCP: kind == TCP, Interleaved: [2]int{-1, -1}}
		if said, parseErr := wire.ParseTransports(res.Header.Values("Transport")); parseErr == nil {
			t = said[0]
		}
		if err = take(kind, t); err == nil {
			return kinds[i : i+1], nil
		}
	}
	return nil, err
}

// transports are those to try, in order.
func (c *ClientConfig) transports() []Transport {
	switch c.Transport {
	case UDP:
		return []Transport{UDP, TCP}
	case Multicast:
		return []Transport{Multicast}
	case TCP:
		return []Transport{TCP}
	default:
		return []Transport{TCP, UDP}
	}
}
