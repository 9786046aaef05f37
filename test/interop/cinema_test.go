package interop

import (
	"context"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/web"
)

// filmPath is where the files of a day are, in a URL and below the directory of recordings.
const filmPath = "/record/live/test/2026-01-02/"

// cinema is a server that plays files.
type cinema struct {
	*server
	dir string
}

// openCinema starts one that ends with the test.
func openCinema(t *testing.T) *cinema {
	t.Helper()
	var files atomic.Pointer[web.Files]
	s := serve(t, media.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { files.Load().ServeHTTP(w, r) }))
	c := &cinema{server: s, dir: t.TempDir()}
	rec, err := record.New(s.media, record.Config{Dir: c.dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rec.Close()) })
	f, err := web.NewFiles(s.media, web.FilesConfig{Root: c.dir, Made: rec.Library()})
	require.NoError(t, err)
	files.Store(f)
	return c
}

// show puts a file among the recordings and returns the server as one that plays it.
func (c *cinema) show(t *testing.T, file, name string) *server {
	t.Helper()
	putRecording(t, c.dir, file, name)
	s := *c.server
	s.path = path.Join(filmPath, name)
	return &s
}

// putRecording puts a copy of a file below a directory of recordings.
func putRecording(t *testing.T, dir, file, name string) {
	t.Helper()
	dir = filepath.Join(dir, filepath.FromSlash(filmPath))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
}

// playlistURL is that of a file by HLS.
func (s *server) playlistURL() string { return "http://" + s.http + s.at() + ".m3u8" }

// decoded returns a hash of every picture that ffmpeg decodes of an input, which it is to open and end without complaint.
func decoded(ctx context.Context, input []string, options ...string) ([]string, error) {
	args := append([]string{"ffmpeg", "-v", "error"}, input...)
	args = append(append(args, "-map", "0:v", "-fps_mode", "passthrough"), options...)
	out, err := stdout(ctx, append(args, "-f", "framehash", "-hash", "md5", "-")...)
	return frameHashes(out, "0"), err
}
