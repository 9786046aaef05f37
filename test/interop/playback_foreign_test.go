package interop

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Files that others have written play by every protocol, with all their pictures; what cannot be played is refused in clear words.
// Neither changes a file or leaves one, and the server goes on.
func TestPlaybackOfForeignFiles(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	need(t, "ffmpeg", "ffprobe")
	files := foreignFiles(ctx, t)
	c := openCinema(t)
	shown := map[string]*server{}
	for name, f := range files {
		shown[name] = c.show(t, f.path, filepath.Base(f.path))
	}
	before := contents(t, c.dir)
	t.Run("files", func(t *testing.T) {
		for name, f := range files {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if f.shot == "" {
					requireRefused(ctx, t, shown[name])
				} else {
					f.requirePlayed(ctx, t, shown[name])
				}
			})
		}
	})
	require.Equal(t, before, contents(t, c.dir))
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	good := files["OBS"]
	got, err := decoded(ctx, []string{"-i", shown["OBS"].playlistURL()})
	require.NoError(t, err)
	want, err := pictures(ctx, good.shot)
	require.NoError(t, err)
	require.Equal(t, want, got, "the server goes on")
}

// requirePlayed plays a file by four protocols at the same time.
func (f foreignFile) requirePlayed(ctx context.Context, t *testing.T, s *server) {
	t.Helper()
	want, err := pictures(ctx, f.shot)
	require.NoError(t, err)
	inputs := map[string][]string{
		"RTSP":     {"-rtsp_transport", "tcp", "-i", s.rtspURL()},
		"RTMP":     {"-i", s.rtmpURL()},
		"HTTP-FLV": {"-i", s.httpURL()},
		"HLS":      {"-i", s.playlistURL()},
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	faults := map[string]error{}
	newer := f.newer(t)
	for name, input := range inputs {
		path := filepath.Join(t.TempDir(), "out.ts")
		all.Go(func() {
			got, err := f.decoded(ctx, input, newer, path)
			if err == nil {
				err = f.check(want, got)
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults[name] = err
			}
		})
	}
	all.Wait()
	require.Empty(t, faults)
}

// check says what is wrong with the pictures that have come: all are to, from the first on, unless the file is cut.
func (f foreignFile) check(want, got []string) error {
	first, err := findRun(want, got)
	switch {
	case err != nil:
		return err
	case first != 0, !f.cut && len(got) != len(want), f.cut && (len(got) < len(want)/3 || len(got) == len(want)):
		return fmt.Errorf("pictures %d to %d of %d", first, first+len(got), len(want))
	}
	return nil
}

// newer is an ffmpeg for H.265 in FLV, which Debian's does not know.
func (f foreignFile) newer(t *testing.T) []string {
	t.Helper()
	if !f.h265 {
		return nil
	}
	return newer(t, "ffmpeg")
}

// decoded is what is decoded of the file by a protocol. A newer ffmpeg reads what needs one, and leaves it in a file.
func (f foreignFile) decoded(ctx context.Context, input, newer []string, path string) ([]string, error) {
	if newer == nil || input[0] != "-i" || strings.HasSuffix(input[1], ".m3u8") {
		// The turn of a picture is in what HLS has of it; the others cannot say it.
		return decoded(ctx, append([]string{"-noautorotate"}, input...))
	}
	args := append(append(newer[:len(newer):len(newer)], "-v", "error", "-y"), input...)
	if _, err := run(ctx, append(args, "-c", "copy", path)...); err != nil {
		return nil, err
	}
	return pictures(ctx, path)
}

// requireRefused requires that a file is refused by every protocol, in words that say why.
func requireRefused(ctx context.Context, t *testing.T, s *server) {
	t.Helper()
	const why = "the file cannot be played"
	for _, url := range []string{s.httpURL(), s.tsURL(), s.fmp4URL()} {
		status, body := get(ctx, t, url)
		require.Equal(t, http.StatusServiceUnavailable, status, url)
		require.Contains(t, body, why, url)
	}
	status, body := get(ctx, t, s.playlistURL())
	require.Equal(t, http.StatusUnprocessableEntity, status, body)
	text, err := run(ctx, "ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", s.rtspURL(), "-f", "null", "-")
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "it did not end by itself")
	require.Contains(t, text, "503 Service Unavailable")
	text, err = run(ctx, "ffmpeg", "-v", "error", "-i", s.rtmpURL(), "-f", "null", "-")
	require.Error(t, err)
	require.NoError(t, ctx.Err(), "it did not end by itself")
	require.Contains(t, text, why)
}

func get(ctx context.Context, t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(r)
	require.NoError(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply.StatusCode, string(text)
}

// state is what a file is like.
type state struct {
	hash     [sha256.Size]byte
	size     int64
	modified int64
	mode     fs.FileMode
}

// contents returns the state of all files in a directory.
func contents(t *testing.T, dir string) map[string]state {
	t.Helper()
	all := map[string]state{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = state{sha256.Sum256(data), info.Size(), info.ModTime().UnixNano(), info.Mode()}
		return err
	}))
	return all
}
