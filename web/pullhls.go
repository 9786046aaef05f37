package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/sluice-media/sluice/internal/hlspull"
	"github.com/sluice-media/sluice/internal/outbound"
)

// maxPlaylistText bounds the first playlist, in bytes.
const maxPlaylistText = 4 << 20

// hlsPull is what plays HLS: the first playlist has come on the connection of the pull, all else by a client of its own.
type hlsPull struct {
	*pull
	http *http.Client
}

// playHLS plays HLS until it ends.
func (p *pull) playHLS(ctx context.Context) error {
	if err := p.wait(); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(p.from, maxPlaylistText))
	p.conn.Close()
	if err != nil {
		return p.why(err)
	}
	jar := &cookies{}
	jar.SetCookies(p.url, p.cookies) // who shows them is one viewer
	transport := p.transport()
	defer transport.CloseIdleConnections()
	h := &hlsPull{pull: p, http: &http.Client{Transport: transport, Jar: jar, CheckRedirect: checkRedirect}}
	err = hlspull.Run(ctx, p.url, text, hlspull.Config{Get: h.get, Sink: p, Warn: p.warn, Idle: p.cfg.IdleTimeout})
	if err == nil {
		err = io.EOF
	}
	return err
}

var errLongURL = fmt.Errorf("web: the server redirects to a URL of more than %d bytes", maxURL)

// transport opens connections as the configuration says.
func (p *pull) transport() *http.Transport {
	dialer := outbound.Dialer(p.cfg.Dial)
	return &http.Transport{
		DialContext: p.cfg.Dial,
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return dialer.DialTLS(ctx, addr, host, p.cfg.TLSConfig)
		},
		MaxIdleConnsPerHost: 2, ResponseHeaderTimeout: p.cfg.DialTimeout, MaxResponseHeaderBytes: maxReplyHead,
	}
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	r.Header.Del("Referer") // whose query is nobody else's business
	switch {
	case len(via) > maxRedirects:
		return errRedirects
	case len(r.URL.String()) > maxURL:
		return errLongURL
	}
	return nil
}

// get is that of [hlspull.Config].
func (h *hlsPull) get(ctx context.Context, u string, from, length, limit int64) ([]byte, *url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.DialTimeout+h.cfg.IdleTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("User-Agent", "Sluice")
	want := http.StatusOK
	if length > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+length-1))
		want = http.StatusPartialContent
	}
	reply, err := h.http.Do(r)
	if err != nil {
		return nil, nil, unwrapped(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != want {
		return nil, nil, &StatusError{reply.StatusCode, reply.Status[:min(len(reply.Status), 100)]}
	}
	data, err := readAll(io.LimitReader(reply.Body, limit+1), min(reply.ContentLength, limit))
	h.entry.Received(len(data))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("web: a part of HLS has more than %d bytes", limit)
	}
	return data, reply.Request.URL, err
}

// readAll is io.ReadAll of what is said to be so many bytes, if that is not less than 0: then it takes no more room. Much of that it takes only
// when some has come.
func readAll(r io.Reader, length int64) ([]byte, error) {
	const least, some = 64 << 10, 4 << 20
	b := make([]byte, 0, least)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		case len(b) < cap(b):
			continue
		}
		size := 2 * cap(b)
		if length >= int64(len(b)) && (length < int64(size) || len(b) >= some) {
			size = int(length) + 1 // for the end to be seen
		}
		b = append(make([]byte, 0, size), b...)
	}
}

// unwrapped takes off an error what repeats the URL, and so what is secret in it.
func unwrapped(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client returns no other
		return fmt.Errorf("web: %w", e.Err)
	}
	return err
}
