package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

var pulledKey = media.StreamKey{VHost: hook.DefaultVHost, App: "edge", Name: "cam"}

// keepPublishing publishes pictures from number n on until the test ends or stop is called.
func keepPublishing(t *testing.T, p *media.Publisher, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := n; ctx.Err() == nil; i++ {
			if p.WritePacket(packet(i)) != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	stop = func() {
		cancel()
		<-done
		p.Close(nil)
	}
	t.Cleanup(stop)
	return stop
}

// pulling is a pull under way.
type pulling struct {
	media   *media.Server
	playing chan *media.Session
	ended   chan error
	cancel  context.CancelCauseFunc
}

func pull(t *testing.T, from string, cfg web.ClientConfig) *pulling {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	p := &pulling{media: m, playing: make(chan *media.Session, 1), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancelCause(t.Context())
	p.cancel = cancel
	cfg.OnPlaying = func(x *media.Session) { p.playing <- x }
	go func() { p.ended <- web.Pull(ctx, m, from, pulledKey, cfg) }()
	t.Cleanup(func() {
		cancel(nil)
		require.NoError(t, m.Close())
	})
	return p
}

// requirePictures reads pictures of the stream, which are those that were published, later by a delay.
func (p *pulling) requirePictures(t *testing.T, n int, delay time.Duration) {
	t.Helper()
	x := p.awaitPlaying(t)
	st := x.Publisher().Stream()
	require.Equal(t, pulledKey, st.Key())
	require.Equal(t, hook.OriginPull, st.Source("").Origin)
	r := st.Read()
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	batch := make([]*media.Packet, 16)
	for got := 0; got < n; {
		k, err := r.ReadBatch(ctx, batch)
		require.NoError(t, err)
		for _, pkt := range batch[:k] {
			i := int((pkt.SourceDTS - delay) / (40 * time.Millisecond))
			require.Equal(t, packet(i).Data, pkt.Data)
			require.Equal(t, packet(i).Key, pkt.Key)
		}
		got += k
	}
}

func (p *pulling) awaitPlaying(t *testing.T) *media.Session {
	t.Helper()
	select {
	case x := <-p.playing:
		return x
	case err := <-p.ended:
		require.Fail(t, "it does not play", "%v", err)
	case <-time.After(patience):
		require.Fail(t, "it does not play")
	}
	return nil
}

func (p *pulling) requireEnd(t *testing.T, want error) {
	t.Helper()
	select {
	case err := <-p.ended:
		require.ErrorIs(t, err, want)
	case <-time.After(patience):
		require.Fail(t, "it does not end")
	}
}

// A stream is pulled as it is, and ends with either side.
func TestPull(t *testing.T) {
	const tsDelay = 700 * time.Millisecond // of the stamps behind the clock, in MPEG-TS
	for _, c := range []struct {
		scheme, path string
		delay        time.Duration
	}{
		{"http", "live/cam.live.flv", 0},
		{"https", "live/cam.live.flv", 0},
		{"ws", "live/cam.live.flv", 0},
		{"wss", "live/cam.live.flv", 0},
		{"http", "live/cam.live.ts", tsDelay},
		{"wss", "live/cam.live.ts", tsDelay},
	} {
		t.Run(c.scheme+" "+c.path, func(t *testing.T) {
			secure := strings.HasSuffix(c.scheme, "s") && c.scheme != "ws"
			s := start(t, media.Config{}, web.Config{}, func(h http.Handler, s *httptest.Server) http.Handler {
				if secure {
					s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
				}
				return h
			})
			cfg := web.ClientConfig{}
			if secure {
				cfg.TLSConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
			}
			stop := keepPublishing(t, s.publish(t, "live", "cam", 30), 30)
			from := c.scheme + "://" + s.addr + "/" + c.path + "?token=secret"
			p := pull(t, from, cfg)
			p.requirePictures(t, 50, c.delay)
			gone := errors.New("enough")
			p.cancel(gone)
			p.requireEnd(t, gone)
			_, ok := p.media.Stream(pulledKey)
			require.False(t, ok, "what the host ends is gone at once")

			p = pull(t, from, cfg)
			x := p.awaitPlaying(t)
			require.Equal(t, c.scheme, x.Info().Protocol)
			require.Equal(t, s.addr, x.Info().Remote.String())
			received, _ := x.Bytes()
			require.Positive(t, received)
			x.Kick(gone)
			p.requireEnd(t, gone)

			p = pull(t, from, cfg)
			p.awaitPlaying(t)
			stop()
			p.requireEnd(t, io.EOF)
		})
	}
}

// tag is one of FLV with the size behind it.
func flvTag(typ byte, stamp uint32, body ...byte) []byte {
	b := []byte{typ, 0, 0, byte(len(body)), byte(stamp >> 16), byte(stamp >> 8), byte(stamp), byte(stamp >> 24), 0, 0, 0}
	return append(append(b, body...), 0, 0, 0, byte(11+len(body)))
}

var (
	flvHead = []byte("FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00")
	avcHead = append([]byte{0x17, 0, 0, 0, 0}, video.Config...)
)

// A server may be elsewhere, answer what it wants, and stand still.
func TestPullOfOddServers(t *testing.T) {
	stream := func(w http.ResponseWriter, chunks ...[]byte) {
		for _, b := range chunks {
			_, _ = w.Write(b)
		}
		_ = http.NewResponseController(w).Flush()
	}
	still := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	quick := web.ClientConfig{IdleTimeout: 100 * time.Millisecond}
	for name, c := range map[string]struct {
		cfg    web.ClientConfig
		serve  http.HandlerFunc
		status int
		text   string // in the error
		end    error
	}{
		"404":    {serve: http.NotFound, status: 404, text: "404 Not Found"},
		"401":    {serve: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusUnauthorized) }, status: 401},
		"204":    {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, status: 204},
		"a page": {serve: func(w http.ResponseWriter, _ *http.Request) { stream(w, []byte("<!DOCTYPE html><p>Hello")) }, text: `it begins with "<!DO"`},
		"empty":  {serve: func(http.ResponseWriter, *http.Request) {}, end: io.EOF},
		"a redirect to itself": {serve: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, text: "redirects more than 5 times"},
		"a redirect to a file": {serve: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, text: `"file" is no scheme`},
		"a redirect nowhere": {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) }, status: 302},
		"silence":            {serve: still, cfg: web.ClientConfig{DialTimeout: 100 * time.Millisecond}, text: "no reply within 100ms"},
		"silence behind the head": {cfg: quick, text: "no media for 100ms", serve: func(w http.ResponseWriter, r *http.Request) {
			stream(w, flvHead)
			still(w, r)
		}},
		"silence behind a picture": {cfg: quick, text: "no media for 100ms", serve: func(w http.ResponseWriter, r *http.Request) {
			stream(w, flvHead, flvTag(9, 0, avcHead...), flvTag(9, 0, 0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65))
			still(w, r)
		}},
		"scripts alone": {cfg: quick, text: "no media for 100ms", serve: func(w http.ResponseWriter, r *http.Request) {
			for stream(w, flvHead); r.Context().Err() == nil; time.Sleep(time.Millisecond) {
				stream(w, flvTag(18, 0, 2, 0, 1, 'x'))
			}
		}},
		"an endless head": {text: "longer than 65536 bytes", serve: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			for _, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"); err == nil; {
				_, err = io.WriteString(conn, "X: "+strings.Repeat("y", 1000)+"\r\n")
			}
		}},
		"cut within a tag": {end: io.EOF, serve: func(w http.ResponseWriter, _ *http.Request) {
			stream(w, flvHead, flvTag(9, 0, avcHead...)[:9])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.serve)
			defer s.Close()
			defer s.CloseClientConnections()
			p := pull(t, s.URL+"/live/cam.flv", c.cfg)
			var err error
			select {
			case err = <-p.ended:
			case <-time.After(patience):
				require.Fail(t, "it does not end")
			}
			if c.status != 0 {
				status, ok := errors.AsType[*web.StatusError](err)
				require.True(t, ok, err)
				require.Equal(t, c.status, status.Code)
			}
			if c.end != nil {
				require.ErrorIs(t, err, c.end)
			}
			require.ErrorContains(t, err, c.text)
		})
	}
}

// Where a server redirects to is dialed as any other address, and is not told the password of the first.
func TestPullIsRedirected(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, func(h http.Handler, _ *httptest.Server) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				http.Error(w, "that was not for me", http.StatusBadRequest)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	keepPublishing(t, s.publish(t, "live", "cam", 30), 30)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "me" || password != "p@ss":
			http.Error(w, "", http.StatusUnauthorized)
		case r.URL.Path == "/a.flv":
			http.Redirect(w, r, "/b.flv", http.StatusMovedPermanently)
		case r.URL.Path == "/b.flv":
			w.WriteHeader(http.StatusEarlyHints)
			http.Redirect(w, r, "http://"+r.Host+"/c.flv", http.StatusFound)
		default:
			http.Redirect(w, r, s.URL+"/live/cam.live.flv", http.StatusFound)
		}
	}))
	defer first.Close()
	u, err := url.Parse(first.URL + "/a.flv")
	require.NoError(t, err)
	u.User = url.UserPassword("me", "p@ss")
	p := pull(t, u.String(), web.ClientConfig{})
	p.requirePictures(t, 20, 0)
	st, _ := p.media.Stream(pulledKey)
	require.Equal(t, first.URL+"/a.flv", st.Source("").OriginURL)

	far := errors.New("too far")
	p = pull(t, u.String(), web.ClientConfig{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == s.addr {
			return nil, far
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}})
	p.requireEnd(t, far)
}

// A file goes at the pace of its stamps, however fast it comes; what is live goes as it comes, also from a server that says it had a length.
func TestPullOfAFile(t *testing.T) {
	film := func(apart time.Duration) []byte {
		b := append(bytes.Clone(flvHead), flvTag(9, 0, avcHead...)...)
		for i := range 150 { // more than are held back for sound that may come
			kind := byte(0x27)
			if i == 0 {
				kind = 0x17
			}
			b = append(b, flvTag(9, uint32(time.Duration(i)*apart/time.Millisecond), kind, 1, 0, 0, 0, 0, 0, 0, 1, 0x65)...)
		}
		return b
	}
	const slow = 5 * time.Second
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		least time.Duration
	}{
		"file": {func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "x.flv", time.Time{}, bytes.NewReader(film(20*time.Millisecond)))
		}, 2900 * time.Millisecond},
		"live": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(film(slow))
			_ = http.NewResponseController(w).Flush()
		}, 0},
		"live of a length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2147483647")
			_, _ = w.Write(film(slow))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.serve)
			defer s.Close()
			begun := time.Now()
			p := pull(t, s.URL+"/x.flv", web.ClientConfig{})
			p.requireEnd(t, io.EOF)
			require.GreaterOrEqual(t, time.Since(begun), c.least)
		})
	}
}

// Stamps of 32 bits wrap after 49 days.
func TestPullOverTheWrap(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(append(flvHead[:len(flvHead):len(flvHead)], flvTag(9, 0xffffff00, avcHead...)...))
		for i := range 200 { // more than are held back for sound that may come
			kind, nal := byte(0x27), byte(0x41)
			if i == 0 {
				kind, nal = 0x17, 0x65
			}
			_, _ = w.Write(flvTag(9, 0xffffff00+uint32(i)*40, kind, 1, 0, 0, 0, 0, 0, 0, 1, nal))
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	defer s.CloseClientConnections()
	p := pull(t, s.URL+"/x.flv", web.ClientConfig{})
	r := (<-p.playing).Publisher().Stream().Read()
	defer r.Close()
	last := time.Duration(-1)
	batch := make([]*media.Packet, 16)
	for got := 0; got < 100; {
		k, err := r.ReadBatch(t.Context(), batch)
		require.NoError(t, err)
		for _, pkt := range batch[:k] {
			if last >= 0 {
				require.Equal(t, 40*time.Millisecond, pkt.DTS-last)
			}
			last = pkt.DTS
		}
		got += k
	}
}
