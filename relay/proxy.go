package relay

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// proxy is an HTTP proxy (RFC 9110, 9.3.6; RFC 9112, 3.2.2) for the ffmpegs of a relay. They open what is HTTP or TLS through it, also where
// a server redirects to and what a playlist names: so the policy is asked about the address that is dialed in the end.
type proxy struct {
	relay  *Relay
	listen net.Listener
	secret string // which others on this machine do not know
}

const (
	// maxProxied is how many connections the proxy has at once.
	maxProxied = 20_000
	proxyTime  = 10 * time.Second // for the head of a request, and to connect
	proxyUser  = "ffmpeg"
)

// environment is what ffmpeg is run with: that of this process, and the proxy, which is started for the first.
func (r *Relay) environment(env []string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if r.proxy == nil {
		ln, err := (&net.ListenConfig{}).Listen(r.life, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("relay: a proxy for ffmpeg: %w", err)
		}
		r.proxy = &proxy{r, ln, rand.Text()}
		context.AfterFunc(r.life, func() { ln.Close() })
		r.running.Go(r.proxy.serve)
	}
	return append(env, "http_proxy=http://"+proxyUser+":"+r.proxy.secret+"@"+r.proxy.listen.Addr().String(), "no_proxy="), nil
}

func (p *proxy) serve() {
	defer p.listen.Close()
	places := make(chan struct{}, maxProxied)
	for {
		conn, err := p.listen.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // such as for want of descriptors
			time.Sleep(10 * time.Millisecond)
			continue
		}
		select {
		case places <- struct{}{}:
			if p.relay.spawn(func() {
				defer func() { <-places }()
				p.connection(conn)
			}) {
				continue
			}
			<-places
		default:
		}
		conn.Close()
	}
}

// connection serves one request.
func (p *proxy) connection(conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(p.relay.life, func() { conn.Close() })()
	if conn.SetDeadline(time.Now().Add(proxyTime)) != nil {
		return
	}
	bounded := &io.LimitedReader{R: conn, N: 64 << 10}
	from := bufio.NewReader(bounded)
	q, err := http.ReadRequest(from)
	if err != nil {
		return
	}
	bounded.N = math.MaxInt64
	if !p.knows(q) {
		answer(conn, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"relay\"\r\n")
		return
	}
	address, err := proxied(q)
	if err != nil {
		answer(conn, "400 Bad Request", "")
		return
	}
	ctx, cancel := context.WithTimeout(p.relay.life, proxyTime)
	defer cancel()
	to, err := p.relay.dialer("")(ctx, "tcp", address)
	if err != nil {
		p.relay.log.Warn("ffmpeg is not connected", "err", err)
		answer(conn, "403 Forbidden", "")
		return
	}
	defer to.Close()
	defer context.AfterFunc(p.relay.life, func() { to.Close() })()
	if q.Method == http.MethodConnect {
		_, err = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	} else {
		err = q.Write(to)
	}
	if err == nil && conn.SetDeadline(time.Time{}) == nil {
		join(conn, from, to)
	}
}

// knows reports whether a request comes from an ffmpeg of the relay.
func (p *proxy) knows(q *http.Request) bool {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+p.secret))
	return subtle.ConstantTimeCompare([]byte(q.Header.Get("Proxy-Authorization")), []byte(want)) == 1
}

var errNotProxied = errors.New("relay: no request to a proxy")

// proxied returns the address that a request is for, and makes it one for the server there. No other follows it on the connection.
func proxied(q *http.Request) (address string, err error) {
	if q.Method == http.MethodConnect {
		return q.Host, nil
	}
	if q.URL.Scheme != "http" || q.URL.Hostname() == "" {
		return "", errNotProxied
	}
	for _, name := range []string{"Proxy-Authorization", "Proxy-Connection", "Connection", "Keep-Alive"} {
		q.Header.Del(name)
	}
	q.Close = true
	if address = q.URL.Host; q.URL.Port() == "" {
		address = net.JoinHostPort(q.URL.Hostname(), "80")
	}
	return address, nil
}

func answer(conn net.Conn, status, header string) {
	_, _ = io.WriteString(conn, strings.Join([]string{"HTTP/1.1 ", status, "\r\n", header, "Content-Length: 0\r\nConnection: close\r\n\r\n"}, ""))
}

// join carries bytes both ways until one side ends.
func join(a net.Conn, from io.Reader, b net.Conn) {
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(b, from)
		b.Close() // ffmpeg has gone
	})
	_, _ = io.Copy(a, b)
	a.Close()
	b.Close()
	both.Wait()
}
