package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxReplyHead is how many bytes the head of a reply has.
	maxReplyHead = 64 << 10
	// maxRedirects is how often a server may say that a stream is elsewhere.
	maxRedirects = 5
	// maxURL is how long a URL is.
	maxURL = 8 << 10
)

var (
	errRedirects = fmt.Errorf("web: the server redirects more than %d times", maxRedirects)
	errNoReply   = errors.New("web: the server does not answer")
	errHead      = fmt.Errorf("web: the head of the reply is longer than %d bytes", maxReplyHead)
)

// client is a connection on which a server sends a stream.
type client struct {
	conn    net.Conn
	url     *url.URL       // where it is in the end
	from    *bufio.Reader  // the body of the reply
	cookies []*http.Cookie // of the reply
	left    int64          // of what may come
	early   int            // what has come before there was an entry
	entry   *media.Session
	file    bool // it comes as fast as it can
}

// Read counts what comes.
func (c *client) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHead
	}
	n, err := c.conn.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	if c.entry != nil {
		c.entry.Received(n)
	} else {
		c.early += n
	}
	return n, err
}

// dialURL asks for what is at a URL, and where its server says that it is instead.
func dialURL(ctx context.Context, rawURL string, cfg *ClientConfig) (*client, error) {
	u, err := url.Parse(rawURL)
	if err != nil || len(rawURL) > maxURL { // an error would repeat the password
		return nil, fmt.Errorf("web: %.200q is no URL", redact.URL(rawURL))
	}
	for range 1 + maxRedirects {
		c, elsewhere, err := askFor(ctx, u, cfg)
		if err != nil || elsewhere == "" {
			return c, err
		}
		next, err := u.Parse(elsewhere)
		if err != nil || len(elsewhere) > maxURL {
			return nil, errors.New("web: the server redirects to what is no URL")
		}
		if next.User == nil && next.Scheme == u.Scheme && next.Host == u.Host { // an address that is written out is the same server's
			next.User = u.User
		}
		u = next
	}
	return nil, errRedirects
}

// askFor asks for a URL. What the server says of another is returned, with no client.
func askFor(ctx context.Context, u *url.URL, cfg *ClientConfig) (c *client, elsewhere string, err error) {
	within, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	conn, err := dial(within, u, cfg)
	if err != nil {
		return nil, "", err
	}
	c = &client{conn: conn, url: u, left: maxReplyHead}
	stop := context.AfterFunc(within, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	reply, err := c.ask(within, cfg) //nolint:bodyclose // it ends with the connection
	if !stop() && err == nil {       // the deadline is set, or will be
		err = context.Cause(within)
	}
	switch {
	case err != nil:
	case reply.StatusCode == http.StatusOK:
		c.left, c.from, c.cookies = math.MaxInt64, bufio.NewReader(reply.Body), reply.Cookies()
		c.file = isFile(reply)
		return c, "", nil
	case reply.StatusCode/100 == 3 && reply.Header.Get("Location") != "":
		conn.Close()
		return nil, reply.Header.Get("Location"), nil
	default:
		err = statusError(reply)
	}
	conn.Close()
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case within.Err() != nil:
		err = fmt.Errorf("web: no reply within %v", cfg.DialTimeout)
	}
	return nil, "", err
}

// isFile reports whether a reply is a file. Some servers say of what is live that it has a length, too, but not since when, or that one
// may ask for parts.
func isFile(reply *http.Response) bool {
	return reply.ContentLength > 0 && (reply.Header.Get("Accept-Ranges") == "bytes" || reply.Header.Get("Last-Modified") != "")
}

func isSecure(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "wss" }

func isWebSocket(u *url.URL) bool { return u.Scheme == "ws" || u.Scheme == "wss" }

// dial connects to the server of a URL.
func dial(ctx context.Context, u *url.URL, cfg *ClientConfig) (conn net.Conn, err error) {
	port, dialer := "80", outbound.Dialer(cfg.Dial)
	switch {
	case isSecure(u):
		port = "443"
	case u.Scheme != "http" && u.Scheme != "ws":
		return nil, fmt.Errorf("web: %.20q is no scheme of HTTP", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("web: the URL names no host")
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), port)
	}
	if isSecure(u) {
		conn, err = dialer.DialTLS(ctx, address, u.Hostname(), cfg.TLSConfig)
	} else {
		conn, err = dialer.Dial(ctx, address)
	}
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return conn, nil
}

// authorize adds the user of the URL.
func (c *client) authorize(r *http.Request) {
	if user := c.url.User; user != nil {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
}

func statusError(reply *http.Response) error {
	return &StatusError{reply.StatusCode, reply.Status[:min(len(reply.Status), 100)]}
}

// ask sends the request, and reads the head of the reply.
func (c *client) ask(ctx context.Context, cfg *ClientConfig) (*http.Response, error) {
	if isWebSocket(c.url) {
		return c.upgrade(ctx, cfg.IdleTimeout)
	}
	r := &http.Request{
		Method: http.MethodGet, URL: c.url, Host: c.url.Host, Close: true,
		Header: http.Header{"User-Agent": {"Sluice"}, "Accept-Encoding": {"identity"}},
	}
	c.authorize(r)
	if err := r.Write(c.conn); err != nil {
		return nil, err
	}
	from := bufio.NewReaderSize(c, 16<<10)
	reply, err := http.ReadResponse(from, r)
	for err == nil && reply.StatusCode/100 == 1 && reply.StatusCode != http.StatusSwitchingProtocols { // more is to come (RFC 9110, 15.2)
		reply, err = http.ReadResponse(from, r)
	}
	if err != nil {
		if errors.Is(err, errHead) {
			return nil, errHead
		}
		return nil, fmt.Errorf("web: no reply of HTTP: %.200s", err.Error()) // it repeats what the server has sent
	}
	return reply, nil
}
