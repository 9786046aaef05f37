package web_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// playlistOf is a playlist of segments, with what stands in front of them and whether it ends.
func playlistOf(w io.Writer, head string, first, count int, ends bool) {
	_, _ = fmt.Fprintf(w, "#EXTM3U\n%s#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n", head, first)
	for i := first; i < first+count; i++ {
		_, _ = fmt.Fprintf(w, "#EXTINF:0.4,\nseg%d.ts\n", i)
	}
	if ends {
		_, _ = io.WriteString(w, "#EXT-X-ENDLIST\n")
	}
}

// hostile serves what a test wants, at any path.
func hostile(t *testing.T, serve http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(serve)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// How a pull of a server that has nothing to play, or does not play along, ends.
func TestPullEnds(t *testing.T) {
	list := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".m3u8") }
	failing := func(status int, ends bool, delay time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if list(r) {
				playlistOf(w, "", 0, 200, ends)
				return
			}
			time.Sleep(delay)
			http.Error(w, "no", status)
		}
	}
	empty := func(w http.ResponseWriter, r *http.Request) {
		if list(r) {
			playlistOf(w, "", int(time.Now().UnixMilli()/400), 5, false)
			return
		}
		_, _ = w.Write(bytes.Repeat(append([]byte{0x47, 0x1f, 0xff, 0x10}, make([]byte, 184)...), 10)) // null packets
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		text  string
	}{
		"segments that fail slowly": {failing(404, false, 100*time.Millisecond), "404"},
		"an end without segments":   {failing(403, true, 0), "403"},
		"segments without media":    {empty, "no media for 3s"},
		"a redirect to a very long URL": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/list.m3u8") {
				_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n")
				return
			}
			http.Redirect(w, r, "/"+strings.Repeat("a", 60_000)+"/l.m3u8", http.StatusFound)
		}, "more than 8192 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pull(t, hostile(t, c.serve)+"/live/list.m3u8", web.ClientConfig{IdleTimeout: time.Second})
			select {
			case err := <-p.ended:
				require.ErrorContains(t, err, c.text)
			case <-time.After(patience):
				require.Fail(t, "it does not end")
			}
		})
	}
}

// A server that sends pings and reads no pongs does not hold a pull.
func TestPullOfPings(t *testing.T) {
	from := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		defer conn.Close()
		ping := ws.MustCompileFrame(ws.NewPingFrame(make([]byte, 125)))
		for _, err = conn.Write(ws.MustCompileFrame(ws.NewBinaryFrame(flvHead))); err == nil; {
			_, err = conn.Write(ping)
		}
	})
	p := pull(t, "ws"+strings.TrimPrefix(from, "http")+"/live/cam.flv", web.ClientConfig{IdleTimeout: time.Second})
	select {
	case err := <-p.ended:
		require.Error(t, err)
	case <-time.After(patience):
		require.Fail(t, "it does not end")
	}
}

// What a server lets a pull keep has a bound: cookies, and warnings in the log.
func TestPullKeepsLittle(t *testing.T) {
	var gets atomic.Int64
	from := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		n := gets.Add(1)
		for i := range 12 {
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", n, "-", i), Value: strings.Repeat("v", 4000), Path: "/never"})
		}
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			playlistOf(w, "", int(n), 500, false)
			return
		}
		http.NotFound(w, r)
	})
	var log lockedBuffer
	m, err := media.New(media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	before := heap()
	done := make(chan error, 1)
	go func() {
		done <- web.Pull(t.Context(), m, from+"/live/list.m3u8", pulledKey, web.ClientConfig{IdleTimeout: 6 * time.Second})
	}()
	require.Error(t, <-done)
	require.Greater(t, gets.Load(), int64(10))
	require.Less(t, heap()-before, int64(20<<20))
	require.LessOrEqual(t, strings.Count(log.String(), "media left out"), 9)
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// A segment that fails once is asked for again, one that is a page is passed over, and where a segment is elsewhere, nobody is told the query
// of the playlist.
func TestPullGoesOn(t *testing.T) {
	const tsDelay = 700 * time.Millisecond
	var failed atomic.Bool
	var referer atomic.Value
	other := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		referer.Store(r.Header.Get("Referer"))
		_, _ = w.Write(tsSegment(t, 30, 10))
	})
	from := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Path, "/live/seg%d.ts", &n)
		switch {
		case strings.HasSuffix(r.URL.Path, ".m3u8"):
			_, _ = io.WriteString(w, "\ufeff\n")
			playlistOf(w, "", 0, 5, true)
		case n == 1 && !failed.Swap(true):
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case n == 2:
			_, _ = io.WriteString(w, "<!DOCTYPE html>")
		case n == 3:
			http.Redirect(w, r, other+"/x.ts", http.StatusFound)
		default:
			_, _ = w.Write(tsSegment(t, 10*n, 10))
		}
	})
	p := pull(t, from+"/live/list.m3u8?token=secret", web.ClientConfig{})
	p.requirePictures(t, 39, tsDelay)
	p.requireEnd(t, io.EOF)
	require.Empty(t, referer.Load())
}

// The cookies of a client: the newest of a name, for its host and path, and not many.
func TestCookiesOfClients(t *testing.T) {
	seen := make(chan string, 100)
	from := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/live/"})
			http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", Path: "/other/"})
			playlistOf(w, "", 0, 2, true)
			return
		}
		seen <- r.Header.Get("Cookie")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "3", Path: "/live/"})
		_, _ = w.Write(tsSegment(t, 0, 10))
	})
	u, err := url.Parse(from)
	require.NoError(t, err)
	p := pull(t, "http://"+u.Host+"/live/list.m3u8", web.ClientConfig{})
	p.requireEnd(t, io.EOF)
	require.Equal(t, "a=1", <-seen)
	require.Equal(t, "a=3", <-seen)
}
