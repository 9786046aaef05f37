package segments

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// viewer is a client with one connection.
type viewer struct {
	url    *url.URL
	conn   net.Conn
	r      *bufio.Reader
	cookie string
	seen   map[string]bool // what it has fetched
	count  *counters
}

// limit is how long a request may take.
const limit = 40 * time.Second

func dial(ctx context.Context, u *url.URL, count *counters) (*viewer, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &viewer{url: u, conn: conn, r: bufio.NewReaderSize(conn, 16<<10), seen: map[string]bool{}, count: count}, nil
}

// get fetches something. Its body is returned if it is a playlist, and let go of otherwise.
func (v *viewer) get(uri string, keep bool) (string, error) {
	u, err := v.url.Parse(uri)
	if err != nil {
		return "", err
	}
	if err := v.conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	request := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
	if v.cookie != "" {
		request += "Cookie: " + v.cookie + "\r\n"
	}
	if _, err := io.WriteString(v.conn, request+"\r\n"); err != nil {
		return "", err
	}
	reply, err := http.ReadResponse(v.r, nil)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	for _, c := range reply.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	if reply.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", u.RequestURI(), reply.Status)
	}
	if keep {
		body, err := io.ReadAll(reply.Body)
		v.count.playlists.Add(1)
		v.count.bytes.Add(int64(len(body)))
		return string(body), err
	}
	n, err := io.Copy(io.Discard, reply.Body)
	v.count.pieces.Add(1)
	v.count.bytes.Add(n)
	return "", err
}

// fetch fetches those of a list that it has not seen; of the first list, the last only.
func (v *viewer) fetch(list []string) error {
	if len(v.seen) == 0 && len(list) > 0 {
		for _, uri := range list[:len(list)-1] {
			v.seen[uri] = true
		}
	}
	for _, uri := range list {
		if v.seen[uri] {
			continue
		}
		v.seen[uri] = true
		if _, err := v.get(uri, false); err != nil {
			return err
		}
	}
	return nil
}

// watch plays until ctx ends.
func (v *viewer) watch(ctx context.Context, low bool) error {
	if low {
		return v.watchParts(ctx)
	}
	for {
		text, err := v.get("", true)
		if err != nil {
			return err
		}
		p := parse(text)
		if p.ended {
			return io.EOF
		}
		news := len(p.segments) > 0 && !v.seen[p.segments[len(p.segments)-1]]
		if err := v.fetch(p.segments); err != nil {
			return err
		}
		wait := p.target
		if !news {
			wait /= 2 // RFC 8216, 6.3.4
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// watchParts plays with low latency: each reload waits for the part to come.
func (v *viewer) watchParts(ctx context.Context) error {
	text, err := v.get("", true)
	for {
		if err != nil {
			return err
		}
		p := parse(text)
		if p.ended {
			return io.EOF
		}
		if err := v.fetch(p.parts); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		text, err = v.get(fmt.Sprintf("?_HLS_msn=%d&_HLS_part=%d", p.msn, p.part), true)
		v.count.told(p.msn, p.part)
	}
}
