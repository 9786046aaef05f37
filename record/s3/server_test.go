package s3

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bucket    = "tapes"
	accessKey = "a-key"
	secretKey = "a-secret"
	mib       = 1 << 20
)

// server is an object store in the process.
type server struct {
	t       *testing.T
	backend gofakes3.Backend
	inner   http.Handler
	url     string

	mu      sync.Mutex
	front   func(http.ResponseWriter, *http.Request, http.Handler) // stands in front of it
	methods []string                                               // of requests
	sent    int64                                                  // bytes of data
}

// newServer begins one. Without a backend it keeps objects in memory.
func newServer(t *testing.T, backend gofakes3.Backend, opts ...gofakes3.Option) *server {
	t.Helper()
	if backend == nil {
		backend = s3mem.New()
	}
	require.NoError(t, backend.CreateBucket(t.Context(), bucket))
	s := &server{t: t, backend: backend, inner: gofakes3.New(backend, opts...).Server()}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	front := s.front
	s.methods = append(s.methods, r.Method)
	s.sent += max(r.ContentLength, 0)
	s.mu.Unlock()
	if front == nil {
		s.inner.ServeHTTP(w, r)
		return
	}
	front(w, r, s.inner)
}

// between puts something in front of the server.
func (s *server) between(front func(http.ResponseWriter, *http.Request, http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.front = front
}

// count returns how many requests of a method have come, and how many bytes of data.
func (s *server) count(method string) (requests int, sent int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.methods {
		if m == method {
			requests++
		}
	}
	return requests, s.sent
}

// config is one that suits the server.
func (s *server) config() Config {
	return Config{
		Endpoint: strings.TrimPrefix(s.url, "http://"), PlainHTTP: true, Bucket: bucket, Region: "us-east-1",
		AccessKey: accessKey, SecretKey: secretKey, PartSize: minPartSize,
	}
}

// store is a Store at the server.
func (s *server) store(set ...func(*Config)) *Store {
	s.t.Helper()
	cfg := s.config()
	for _, f := range set {
		f(&cfg)
	}
	return newStore(s.t, cfg)
}

func newStore(t *testing.T, cfg Config) *Store {
	t.Helper()
	x, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x
}

// object returns what the server has.
func (s *server) object(name string) (data []byte, about map[string]string) {
	s.t.Helper()
	x, err := s.backend.GetObject(context.Background(), bucket, name, nil)
	require.NoError(s.t, err)
	defer x.Contents.Close()
	data, err = io.ReadAll(x.Contents)
	require.NoError(s.t, err)
	return data, x.Metadata
}

// has requires that the server has a file, byte by byte.
func (s *server) has(name string, f record.File) {
	s.t.Helper()
	want, err := os.ReadFile(f.Path)
	require.NoError(s.t, err)
	got, _ := s.object(name)
	require.True(s.t, bytes.Equal(want, got), "%d bytes of %d", len(got), len(want))
}

// uploads returns how many uploads of an object have not ended. The server lists them by the whole name only.
func (s *server) uploads(name string) int {
	s.t.Helper()
	found, err := s.store().core.ListMultipartUploads(context.Background(), bucket, name, "", "", "", 100)
	if answer(err).Code == minio.NoSuchUpload { // so it says that there were none ever
		return 0
	}
	require.NoError(s.t, err)
	return len(found.Uploads)
}

// newFile makes a recording of so many bytes.
func newFile(t *testing.T, size int) record.File {
	t.Helper()
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(data)
	path := filepath.Join(t.TempDir(), "x.mp4")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return record.File{
		Path: path, Name: "record/live/cam/2026-11-27/2026-11-27-12-00-00-0.mp4", Stream: media.StreamKey{App: "live", Name: "cam é/1"},
		Start: time.Date(2026, 11, 27, 13, 0, 0, 250e6, time.FixedZone("", 3600)), Length: 61500 * time.Millisecond, Size: int64(size),
	}
}

// isPart reports whether a request carries a part, and which.
func isPart(r *http.Request) (string, bool) {
	n := r.URL.Query().Get("partNumber")
	return n, n != "" && r.Method == http.MethodPut
}

// cutOff ends a request in the middle of its data.
func cutOff(w http.ResponseWriter, r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
	hangUp(w)
}

// hangUp closes a connection without an answer.
func hangUp(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}
