package httphook_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
	"github.com/sluice-media/sluice/internal/testlog"
)

// arrived is the order of what a backend has accepted, without what came twice.
func arrived(b *backend, event string) []string {
	var list []string
	seen := map[string]bool{}
	for _, g := range b.had() {
		id := g.header.Get(httphook.EventIDHeader)
		if g.path != "/hook/"+event || seen[id] {
			continue
		}
		seen[id] = true
		list = append(list, g.body["stream"].(string))
	}
	return list
}

func changed(i int) *hook.StreamChangedEvent {
	return &hook.StreamChangedEvent{Stream: hook.StreamKey{Name: fmt.Sprint(i)}, Schema: "rtmp"}
}

func names(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

// Whatever a backend does instead of accepting, each observation arrives in order once it does, also in the next process.
func TestOutbox(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"500":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"HTML":    says("<html>"),
		"reset":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"hanging": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://192.0.2.1/")
			w.WriteHeader(307)
		},
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 14 {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, b := t.TempDir(), newBackend(t, nil)
			var down atomic.Bool
			b.say(func(w http.ResponseWriter, r *http.Request) {
				if down.Load() {
					bad(w, r)
					return
				}
				_, _ = io.WriteString(w, `{"code":0}`)
			})
			cfg := func(c *httphook.Config) { c.Outbox, c.Timeout = dir, 200*time.Millisecond }
			h := newHook(t, b.URL, cfg)
			for i := range 10 {
				h.OnStreamChanged(t.Context(), changed(i))
			}
			require.Eventually(t, func() bool { return len(arrived(b, "on_stream_changed")) == 10 }, 10*time.Second, time.Millisecond)
			down.Store(true)
			begun := time.Now()
			for i := range 10 {
				h.OnStreamChanged(t.Context(), changed(10+i))
				h.OnFlowReport(t.Context(), &hook.FlowReportEvent{Stream: hook.StreamKey{Name: fmt.Sprint(i)}})
			}
			require.Less(t, time.Since(begun), 5*time.Second, "an observation waits for the backend")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.NoError(t, h.Shutdown(ctx))
			down.Store(false)
			h = newHook(t, b.URL, cfg)
			for i := range 10 {
				h.OnStreamChanged(t.Context(), changed(20+i))
			}
			require.NoError(t, h.Shutdown(t.Context()), "it sends all there is")
			require.Equal(t, names(30), arrived(b, "on_stream_changed"))
			require.Equal(t, names(10), arrived(b, "on_flow_report"))
		})
	}
}

// The same process goes on when its backend is back.
func TestOutboxOutage(t *testing.T) {
	var down atomic.Bool
	b := newBackend(t, nil)
	b.say(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"code":0}`)
	})
	var log testlog.Buffer
	h := newHook(t, b.URL, func(c *httphook.Config) {
		c.Outbox, c.Logger = t.TempDir(), slog.New(slog.NewTextHandler(&log, nil))
	})
	down.Store(true)
	for i := range 20 {
		h.OnStreamChanged(t.Context(), changed(i))
	}
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "wait in the outbox") }, 10*time.Second, time.Millisecond)
	down.Store(false)
	require.Eventually(t, func() bool { return len(arrived(b, "on_stream_changed")) == 20 }, 10*time.Second, time.Millisecond)
	require.Equal(t, 1, strings.Count(log.String(), "wait in the outbox"), "an outage is one line")
}

// A refusal is an answer, and an event that is no longer wanted is not sent.
func TestOutboxAnswers(t *testing.T) {
	b := newBackend(t, says(`{"code":5}`))
	dir := t.TempDir()
	h := newHook(t, b.URL, func(c *httphook.Config) { c.Outbox = dir })
	for i := range 3 {
		h.OnStreamChanged(t.Context(), changed(i))
	}
	require.NoError(t, h.Shutdown(t.Context()))
	require.Len(t, b.had(), 3)
	b.Close()
	h = newHook(t, b.URL, func(c *httphook.Config) { c.Outbox = dir })
	h.OnStreamChanged(t.Context(), changed(4))
	require.NoError(t, h.Shutdown(t.Context()))
	again := newBackend(t, nil)
	h = newHook(t, again.URL, func(c *httphook.Config) { c.Outbox = dir; delete(c.URLs, "on_stream_changed") })
	h.OnServerKeepalive(t.Context(), &hook.ServerKeepaliveEvent{})
	require.NoError(t, h.Shutdown(t.Context()))
	keepalive := again.last(t)
	require.Equal(t, "/hook/on_server_keepalive", keepalive.path)
	require.Empty(t, keepalive.header.Get(httphook.EventIDHeader), "it does not come from the outbox")
}

// When the disk fails, the event is sent as without an outbox.
func TestOutboxDiskFails(t *testing.T) {
	b := newBackend(t, nil)
	var log testlog.Buffer
	h := newHook(t, b.URL, func(c *httphook.Config) {
		c.Outbox, c.Logger = t.TempDir(), slog.New(slog.NewTextHandler(&log, nil))
	})
	h.OnServerStarted(t.Context(), &hook.ServerStartedEvent{Config: map[string]string{"x": strings.Repeat("y", 2<<20)}})
	require.Equal(t, "/hook/on_server_started", b.last(t).path)
	require.Contains(t, log.String(), "the outbox failed")
}

func TestOutboxIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	newHook(t, "http://127.0.0.1:1", func(c *httphook.Config) { c.Outbox = dir }).OnStreamChanged(t.Context(), changed(1))
	require.NoError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		require.Zero(t, info.Mode().Perm()&0o077, path)
		return err
	}))
}

// Hooks come and go without a trace.
func TestNoLeak(t *testing.T) {
	b := newBackend(t, nil)
	before := runtime.NumGoroutine()
	for range 50 {
		h, err := httphook.New(httphook.Config{URLs: allURLs(b.URL), Outbox: t.TempDir()})
		require.NoError(t, err)
		require.NoError(t, h.OnPlay(t.Context(), play()))
		h.OnStreamChanged(t.Context(), changed(1))
		require.NoError(t, h.Close())
	}
	b.CloseClientConnections()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+3 }, 10*time.Second, 10*time.Millisecond)
}
