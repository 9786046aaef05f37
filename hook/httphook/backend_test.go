package httphook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook/httphook"
)

// got is a request that a backend had.
type got struct {
	path   string
	header http.Header
	raw    []byte
	body   map[string]any
}

// backend is a server of web hooks.
type backend struct {
	*httptest.Server
	mu       sync.Mutex
	requests []got
	answer   http.HandlerFunc
}

// newBackend starts a backend. A nil answer admits.
func newBackend(t *testing.T, answer http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{answer: answer}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g := got{path: r.URL.Path, header: r.Header, raw: raw}
	g.header.Set("Host", r.Host)
	if json.Unmarshal(raw, &g.body) != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	b.mu.Lock()
	b.requests = append(b.requests, g)
	answer := b.answer
	b.mu.Unlock()
	if answer == nil {
		answer = says(`{"code":0}`)
	}
	answer(w, r)
}

func (b *backend) say(answer http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *backend) had() []got {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]got(nil), b.requests...)
}

// last returns the only request since the last call.
func (b *backend) last(t *testing.T) got {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Len(t, b.requests, 1)
	g := b.requests[0]
	b.requests = nil
	return g
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// allURLs has all events sent to a server.
func allURLs(server string) map[string]string {
	urls := map[string]string{}
	for _, event := range httphook.Events() {
		urls[event] = server + "/hook/" + event
	}
	return urls
}

// newHook returns a hook that sends all events to a server, and is impatient.
func newHook(t *testing.T, server string, change func(*httphook.Config)) *httphook.Hook {
	t.Helper()
	cfg := httphook.Config{URLs: allURLs(server), ServerID: "contract-server", Timeout: 5 * time.Second, RetryDelay: time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	h, err := httphook.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}
