package web_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// ask sends a request for HLS and returns the reply and its body.
func (s *server) ask(t *testing.T, path, cookie string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "ZLM_HTTP_COOKIE", Value: cookie})
	}
	reply, err := s.Client().Do(r)
	require.NoError(t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply, string(body)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// awaitHLS waits until n viewers by HLS are listed.
func (s *server) awaitHLS(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		count := 0
		for x := range s.media.Sessions() {
			if x.Info().Protocol == "hls" {
				count++
			}
		}
		return count == n
	}, patience, time.Millisecond)
}

// A viewer by HLS is let in once, counts as one, and gets nothing any more when it has been kicked.
func TestViewersByHLS(t *testing.T) {
	var asked atomic.Int32
	hooks := hook.Funcs{OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
		asked.Add(1)
		if ev.Session.Params == "deny" {
			return hook.Deny(7, "bad token")
		}
		return nil
	}}
	s := start(t, media.Config{Hooks: []hook.Hook{hooks}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	reply, text := s.ask(t, "/live/test/hls.m3u8?token=1", "")
	require.Equal(t, 200, reply.StatusCode)
	require.Equal(t, "application/vnd.apple.mpegurl; charset=utf-8", reply.Header.Get("Content-Type"))
	require.Len(t, reply.Cookies(), 1)
	cookie := reply.Cookies()[0]
	require.Equal(t, "/live/test/", cookie.Path)
	uri := lastLine(text)
	require.True(t, strings.HasSuffix(uri, "_0.ts?token=1"), uri)
	reply, segment := s.ask(t, "/live/test/"+uri, "") // known by its address and query
	require.Equal(t, 200, reply.StatusCode)
	require.Equal(t, "video/mp2t", reply.Header.Get("Content-Type"))
	require.Equal(t, byte(0x47), segment[0])
	bare, _, _ := strings.Cut(uri, "?")
	reply, _ = s.ask(t, "/live/test/"+bare, cookie.Value)
	require.Equal(t, 200, reply.StatusCode)
	_, text = s.ask(t, "/live/test/hls.m3u8", cookie.Value)
	require.Equal(t, bare, lastLine(text), "who has shown its cookie needs no query")
	require.EqualValues(t, 1, asked.Load())
	s.awaitHLS(t, 1)
	reply, _ = s.ask(t, "/live/test/"+bare, "0123")
	require.Equal(t, 404, reply.StatusCode)

	for x := range s.media.Sessions() {
		if x.Info().Protocol == "hls" {
			x.Kick(media.ErrKicked)
		}
	}
	s.awaitHLS(t, 0)
	reply, _ = s.ask(t, "/live/test/"+bare, cookie.Value)
	require.Equal(t, 404, reply.StatusCode)

	reply, text = s.ask(t, "/live/test/hls.m3u8?deny", "")
	require.Equal(t, 401, reply.StatusCode)
	require.Contains(t, text, "bad token")
	s.awaitHLS(t, 0)
}

func TestBadReloads(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	for _, query := range []string{"_HLS_msn=x", "_HLS_msn=-1", "_HLS_part=1", "_HLS_msn=99999999999999999999", "_HLS_msn=1&_HLS_part="} {
		reply, _ := s.ask(t, "/live/test/hls.m3u8?"+query, "")
		want := 400
		if strings.HasSuffix(query, "part=") {
			want = 200 // of TS nothing is waited for
		}
		require.Equal(t, want, reply.StatusCode, query)
	}
}

// Who has watched a stream that has ended watches the next of that name, with the same cookie, when it has been let in anew.
func TestViewersByHLSOfTheNextStream(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	pub := s.publish(t, "live", "test", 5)
	reply, _ := s.ask(t, "/live/test/hls.m3u8", "")
	cookie := reply.Cookies()[0].Value
	pub.Close(nil)
	require.Eventually(t, func() bool {
		_, text := s.ask(t, "/live/test/hls.m3u8", cookie)
		return strings.Contains(text, "#EXT-X-ENDLIST")
	}, patience, time.Millisecond)
	s.publish(t, "live", "test", 5)
	_, text := s.ask(t, "/live/test/hls.m3u8", cookie)
	require.NotContains(t, text, "#EXT-X-ENDLIST")
	s.awaitHLS(t, 1)
}

// Viewers of both variants behind one address get each their own.
func TestViewersOfBothVariants(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	reply, _ := s.ask(t, "/live/test/hls.m3u8", "")
	require.Equal(t, 200, reply.StatusCode)
	reply, text := s.ask(t, "/live/test/hls.fmp4.m3u8", "")
	require.Equal(t, 200, reply.StatusCode)
	uri := segmentOf(text)
	for _, path := range []string{uri, "init.mp4"} {
		reply, _ := s.ask(t, "/live/test/"+path, "")
		require.Equal(t, 200, reply.StatusCode, path)
	}
}

// segmentOf returns the URI of the first segment of a playlist.
func segmentOf(text string) string {
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
