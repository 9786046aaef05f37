package hlscheck_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/hls/hlscheck"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var lasts = flag.Duration("for", 0, "how long the stream of TestServer lasts, at least")

// Whatever happens to a stream, each version of its playlists is as the RFC wants it, and what they name is there.
func TestServer(t *testing.T) {
	t.Parallel()
	m, err := media.New(media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	usual := serve(t, m, web.HLSConfig{})
	long := serve(t, m, web.HLSConfig{SegmentDuration: time.Second, Segments: 20, PartDuration: 400 * time.Millisecond})
	all := films(t)
	s := &show{t: t, media: m}
	s.publish(t.Context(), all["small"])
	s.play(t.Context(), 700*time.Millisecond, nil)

	watchers := map[string]*hlscheck.Watcher{
		"TS":                    {URL: usual + "/live/test/hls.m3u8"},
		"fMP4":                  {URL: usual + "/live/test/hls.fmp4.m3u8"},
		"low latency":           {URL: usual + "/live/test/hls.fmp4.m3u8", Blocking: true},
		"low latency, long":     {URL: long + "/live/test/hls.fmp4.m3u8", Blocking: true},
		"low latency by deltas": {URL: long + "/live/test/hls.fmp4.m3u8", Blocking: true, Delta: true},
	}
	ctx, cancel := context.WithTimeout(t.Context(), *lasts+3*time.Minute)
	defer cancel()
	var mu sync.Mutex
	problems := map[string][]string{}
	var wg sync.WaitGroup
	for name, w := range watchers {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		w.Client, w.Every = &http.Client{Jar: jar, Transport: &http.Transport{}}, 200*time.Millisecond
		wg.Go(func() {
			defer w.Client.CloseIdleConnections()
			list, err := w.Run(ctx)
			if err != nil {
				list = append(list, err.Error())
			}
			mu.Lock()
			defer mu.Unlock()
			problems[name] = list
		})
	}
	for until := time.Now().Add(*lasts); ; {
		s.mishaps(ctx, all)
		if time.Now().After(until) {
			break
		}
	}
	s.pub.Close(nil)
	wg.Wait()
	require.NoError(t, ctx.Err(), "the playlists do not end")
	for name, w := range watchers {
		t.Logf("%s: %d versions, %d of them deltas, %d segments, %d parts, %d hints, %d maps, %d discontinuities, %d that had left; a reply took %v at most",
			name, w.Versions, w.Deltas, w.Segments, w.Parts, w.Hints, w.Maps, w.Breaks, w.Left, w.Slowest)
		for _, p := range problems[name] {
			t.Errorf("%s: %s", name, p)
		}
	}
}

// serve serves what m has, and returns the URL.
func serve(t *testing.T, m *media.Server, cfg web.HLSConfig) string {
	t.Helper()
	h, err := web.NewHandler(m, web.Config{HLS: cfg})
	require.NoError(t, err)
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}
