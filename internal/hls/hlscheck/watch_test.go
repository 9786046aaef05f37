package hlscheck_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/hls/hlscheck"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// stage is a server with a playlist that goes on by a version with each request.
type stage struct {
	mu       sync.Mutex
	versions []string
	files    map[string]string
	gone     map[string]bool // what is there no more once it has left the playlist
	listed   string
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "list.m3u8" {
		s.listed = s.versions[0]
		if len(s.versions) > 1 {
			s.versions = s.versions[1:]
		}
		_, _ = io.WriteString(w, s.listed)
		return
	}
	data, ok := s.files[name]
	if !ok || s.gone[name] && !strings.Contains(s.listed, name) {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, data)
}

// watch watches a stage to its end.
func watch(t *testing.T, s *stage, every time.Duration, blocking bool) string {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := &hlscheck.Watcher{Client: server.Client(), URL: server.URL + "/list.m3u8", Every: every, Blocking: blocking}
	problems, err := w.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	return strings.Join(problems, "\n")
}

// What is served is looked at, too. What is in the files is no media, of which there is a complaint in any case.
func TestDamageOfWhatIsServedIsFound(t *testing.T) {
	t.Parallel()
	files := func() map[string]string {
		return map[string]string{
			"a.mp4": "a", "b.mp4": "b", "7.mp4": "7", "8.mp4": "8", "9.mp4": "cd", "9.p0.mp4": "c", "9.p1.mp4": "d",
			"10.mp4": "ef", "10.p0.mp4": "e", "10.p1.mp4": "f", "11.mp4": "gh", "11.p0.mp4": "g", "11.p1.mp4": "h",
		}
	}
	for _, c := range []struct {
		name  string
		harm  func(s *stage)
		wants string
	}{
		{"nothing", func(*stage) {}, ""},
		{"no segment", func(s *stage) { delete(s.files, "8.mp4") }, "cannot be had"},
		{"no part", func(s *stage) { delete(s.files, "9.p0.mp4") }, "cannot be had"},
		{"no map", func(s *stage) { delete(s.files, "b.mp4") }, "cannot be had"},
		{"nothing in it", func(s *stage) { s.files["8.mp4"] = "" }, "is empty"},
		{"other parts", func(s *stage) { s.files["10.p0.mp4"] = "x" }, "which are not those"},
		{"a hint of what does not come", func(s *stage) {
			s.versions[0] = strings.Replace(first, `"10.p1.mp4"`, `"10.p9.mp4"`, 1)
		}, "was said to come"},
		{"a reload that is not waited for", func(s *stage) { s.versions = []string{first, first, second, last} }, "has it not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &stage{versions: []string{first, second, last}, files: files()}
			c.harm(s)
			problems := watch(t, s, time.Millisecond, true)
			require.Contains(t, problems, "no initialization segment")
			for _, text := range []string{"cannot be had", "which are not those", "was said to come", "is empty", "has it not"} {
				if c.wants == "" || c.wants == text {
					require.Equal(t, c.wants == text, strings.Contains(problems, text), problems)
				}
			}
		})
	}
	t.Run("a segment that goes at once", func(t *testing.T) {
		t.Parallel()
		for _, gone := range []string{"7.mp4", ""} {
			s := &stage{files: files(), gone: map[string]bool{gone: true}}
			s.versions = []string{first}
			for range 25 {
				s.versions = append(s.versions, second)
			}
			s.versions = append(s.versions, last)
			problems := watch(t, s, 100*time.Millisecond, false)
			require.Equal(t, gone != "", strings.Contains(problems, "it has left"), problems)
		}
	})
}

// falsified serves what another handler does, but for the text of playlists.
func falsified(t *testing.T, h http.Handler, pattern, by string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := httptest.NewRecorder()
		r.Header.Del("Accept-Encoding")
		h.ServeHTTP(reply, r)
		body := reply.Body.Bytes()
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			body = regexp.MustCompile(pattern).ReplaceAll(body, []byte(by))
		}
		w.WriteHeader(reply.Code)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Playlists of a real stream that do not fit to its media are found.
func TestDamageOfMediaIsFound(t *testing.T) {
	t.Parallel()
	m, err := media.New(media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	h, err := web.NewHandler(m, web.Config{HLS: web.HLSConfig{SegmentDuration: time.Second}})
	require.NoError(t, err)
	s := &show{t: t, media: m}
	s.publish(t.Context(), load(t, testmedia.H264()))
	s.play(t.Context(), time.Second, nil)
	watches := []struct{ path, pattern, by, wants string }{
		{"hls.fmp4.m3u8", ",INDEPENDENT=YES", "", "INDEPENDENT is false"},
		{"hls.fmp4.m3u8", "(p1.mp4.*)\n", "$1,INDEPENDENT=YES\n", "INDEPENDENT is true"},
		{"hls.fmp4.m3u8", "EXTINF:.*,", "EXTINF:0.500,", "by its stamps, not 500ms"},
		{"hls.m3u8", "EXTINF:.*,", "EXTINF:0.500,", "by its stamps, not 500ms"},
		{"hls.m3u8", "EXTINF:.*,", "EXTINF:1.400,", "behind the end of the one before"},
	}
	problems := make([]string, len(watches))
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i, c := range watches {
		w := &hlscheck.Watcher{Client: &http.Client{Transport: &http.Transport{}}, Every: 200 * time.Millisecond}
		w.URL = falsified(t, h, c.pattern, c.by) + "/live/test/" + c.path
		wg.Go(func() {
			defer w.Client.CloseIdleConnections()
			list, err := w.Run(ctx)
			if err != nil {
				list = append(list, err.Error())
			}
			problems[i] = strings.Join(list, "\n")
		})
	}
	s.play(ctx, 3*time.Second, nil)
	s.pub.Close(nil)
	wg.Wait()
	for i, c := range watches {
		require.Contains(t, problems[i], c.wants, c.pattern)
	}
}
