package rtsp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// errTunnelled ends a session whose connection has become the half of another's.
var errTunnelled = errors.New("rtsp: the connection is half of a tunnel")

// tunnels are the GET halves of RTSP over HTTP that wait for their POST halves (Apple, "Tunneling RTSP and RTP
// over HTTP"): by the cookie of the client and where it comes from.
type tunnels struct {
	mu      sync.Mutex
	waiting elastic.Map[string, chan *session]
}

// maxCookie bounds the cookie of a tunnel, in bytes.
const maxCookie = 256

// tunnel answers a request of HTTP. Of a GET it makes the connection that is written to; a POST is what is read.
func (x *session) tunnel(r *wire.Request) error {
	cookie := r.Header.Get("x-sessioncookie")
	if cookie == "" || len(cookie) > maxCookie || x.id != "" || x.player != nil || x.publisher != nil || x.half.Load() != nil {
		_ = x.write([]byte("HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n"))
		return &acceptor.Refusal{Cause: fmt.Errorf("%w: %.20q by HTTP", wire.ErrMalformed, r.Method)}
	}
	cookie = x.entry.Info().Remote.Addr().String() + " " + cookie
	switch r.Method {
	case "GET":
		return x.awaitPost(cookie)
	case "POST":
		return x.joinGet(cookie)
	}
	return &acceptor.Refusal{Cause: fmt.Errorf("%w: %.20q by HTTP", wire.ErrMalformed, r.Method)}
}

// awaitPost waits for the other half, and goes on with it.
func (x *session) awaitPost(cookie string) error {
	posts := x.server.tunnels.wait(cookie) // before the response: the POST follows that at once
	defer x.server.tunnels.forget(cookie, posts)
	err := x.write([]byte("HTTP/1.0 200 OK\r\nServer: Sluice\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\n" +
		"Content-Type: application/x-rtsp-tunnelled\r\n\r\n"))
	if err != nil {
		return err
	}
	half, err := x.otherHalf(posts)
	if err != nil {
		return err
	}
	x.half.Store(half)
	x.in = half.conn
	if x.entry.Err() != nil { // kicked meanwhile
		x.Abort()
	}
	x.reader = wire.NewReader(&unbase64{r: half.reader.Rest()}, firstBuffer, x.entry.Received)
	return x.in.SetReadDeadline(x.handshake)
}

// otherHalf waits for the POST, as long as the client of the GET is there and the handshake may take.
func (x *session) otherHalf(posts <-chan *session) (half *session, err error) {
	timeout := time.NewTimer(time.Until(x.handshake))
	defer timeout.Stop()
	err = x.reader.While(x.conn, func(ctx context.Context) error {
		select {
		case half = <-posts:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-x.entry.Done():
			return x.entry.Err()
		case <-timeout.C:
			return errors.New("rtsp: the POST of a tunnel did not come")
		}
	})
	if err != nil && half != nil {
		half.conn.Close()
	}
	return half, err
}

// joinGet gives the connection to the session that waits for it.
func (x *session) joinGet(cookie string) error {
	if !x.server.tunnels.give(cookie, x) {
		_ = x.write([]byte("HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\n"))
		return &acceptor.Refusal{Cause: errors.New("rtsp: a POST without its GET")}
	}
	return errTunnelled
}

func (t *tunnels) wait(cookie string) chan *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := make(chan *session, 1)
	t.waiting.Set(cookie, c) // a second GET with the same cookie replaces the first
	return c
}

func (t *tunnels) forget(cookie string, c chan *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting.Get(cookie) == c {
		t.waiting.Delete(cookie)
	}
	select {
	case half := <-c: // it came too late
		half.conn.Close()
	default:
	}
}

// give hands a POST to the GET that waits, and reports whether there is one.
func (t *tunnels) give(cookie string, x *session) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.waiting.Get(cookie)
	if c == nil {
		return false
	}
	t.waiting.Delete(cookie)
	c <- x
	return true
}

// unbase64 decodes what comes by POST: requests that were coded one by one, so that padding may stand anywhere.
type unbase64 struct {
	r     io.Reader
	in    [1024]byte
	quad  [4]byte // of a group of four that is not complete
	n     int
	out   []byte // decoded, not read yet
	space [1024]byte
}

func (u *unbase64) Read(b []byte) (int, error) {
	for len(u.out) == 0 {
		n, err := u.r.Read(u.in[:])
		if failed := u.decode(u.in[:n]); failed != nil {
			return 0, failed
		}
		if err != nil && len(u.out) == 0 {
			return 0, err
		}
	}
	n := copy(b, u.out)
	u.out = u.out[n:]
	return n, nil
}

// Buffered is how many bytes can be read without waiting for the connection.
func (u *unbase64) Buffered() int { return len(u.out) }

func (u *unbase64) decode(b []byte) error {
	u.out = u.space[:0]
	for _, c := range b {
		if c == '\r' || c == '\n' || c == ' ' {
			continue
		}
		u.quad[u.n] = c
		u.n++
		if u.n < 4 {
			continue
		}
		u.n = 0
		var three [3]byte
		n, err := base64.StdEncoding.Decode(three[:], u.quad[:])
		if err != nil {
			return fmt.Errorf("%w: %w", wire.ErrMalformed, err)
		}
		u.out = append(u.out, three[:n]...)
	}
	return nil
}
