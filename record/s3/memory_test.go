package s3

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/record"
)

// drain takes uploads, and keeps of them how long they are and what is said of the last part. It says the sum of all when asked.
type drain struct {
	mu   sync.Mutex
	size map[string]int64
	crc  string
}

func (d *drain) serve(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	n, _ := io.Copy(io.Discard, r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	size, there := d.size[r.URL.Path]
	switch {
	case r.Method == http.MethodPut:
		d.size[r.URL.Path] += n
		w.Header().Set("ETag", `"part"`)
	case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPost:
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><Bucket>tapes</Bucket></CompleteMultipartUploadResult>")
	case r.Method == http.MethodHead && there:
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("X-Amz-Checksum-Crc32c", d.crc)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Four long files at a time take no more memory than the documentation says, with what a server in the same process needs.
func TestMemory(t *testing.T) {
	const files, size, limit = 4, 96 * mib, 2 * mib
	zeros := newSums(1)
	require.NoError(t, zeros.add(io.LimitReader(zeroReader{}, size), size))
	d := &drain{size: map[string]int64{}, crc: zeros.checksum()}
	srv := newServer(t, nil)
	srv.between(d.serve)
	x := srv.store(func(c *Config) { c.PartSize = defaultPartSize })
	path := filepath.Join(t.TempDir(), "x.mp4")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, size))

	before := heap()
	var running sync.WaitGroup
	for i := range files {
		running.Go(func() {
			f := record.File{Path: path, Name: strings.Repeat("x", i+1), Size: size}
			if err := x.Store(t.Context(), f); err != nil {
				t.Error(err)
			}
		})
	}
	stop, most := make(chan struct{}), make(chan uint64, 1)
	go func() { most <- watchHeap(stop) }()
	running.Wait()
	close(stop)
	used := int64(<-most) - int64(before)
	t.Logf("%d KiB", used>>10)
	require.Less(t, used, int64(limit))
}

// heap returns how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watchHeap returns the most that was in use until stop.
func watchHeap(stop <-chan struct{}) (most uint64) {
	for {
		select {
		case <-stop:
			return most
		case <-time.After(20 * time.Millisecond):
			most = max(most, heap())
		}
	}
}

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
