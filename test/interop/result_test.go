package interop

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// result is what became of a reader.
type result struct {
	reader
	path string
	err  error
	end  int  // behind the number of the last picture that was read, also of those it spoils
	full bool // the sound was read to its end

	ended error // what ended the pull that it was read of, if there was one
}

// readAll lets all readers read at the same time, and waits for them. Those whose client is missing do not.
func readAll(ctx context.Context, t *testing.T, s *server, readers []reader) []*result {
	t.Helper()
	results := make([]*result, len(readers))
	ended := make(chan struct{}, len(readers))
	for i, r := range readers {
		results[i] = &result{reader: r, path: filepath.Join(publicFolder(t), r.file)}
		go func() {
			defer func() { ended <- struct{}{} }()
			if r.client == "" || installed(r.client) {
				results[i].err = r.read(ctx, s, results[i].path)
			}
		}()
	}
	for range readers {
		<-ended
	}
	return results
}

// publicFolder is not t.TempDir: VLC writes to it as somebody else.
func publicFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "interop")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	return dir
}

// check compares what was read with what was published: pictures and audio one after the other, to the last
// picture. It returns the number of the first.
func (r *result) check(ctx context.Context, t *testing.T, source *clip) int {
	t.Helper()
	if r.client != "" {
		need(t, r.client)
	}
	require.NoError(t, r.err)
	r.checkTimes(ctx, t, source)
	return r.checkContent(ctx, t, source)
}

// checkContent is check without the times.
func (r *result) checkContent(ctx context.Context, t *testing.T, source *clip) int {
	t.Helper()
	file := r.decodable(ctx, t, source)
	got, sound, err := content(ctx, file)
	require.NoError(t, err)
	from, to := r.requireRun(t, source.pictures, got)
	r.end = from + len(got)
	if r.spoils == 0 {
		require.Equal(t, len(source.pictures), to, "the last pictures are missing")
	}
	audioFrom, audioTo := r.requireRun(t, source.audio, sound)
	r.full = audioTo == len(source.audio)
	t.Logf("pictures %d to %d of %d, audio frames %d to %d of %d", from, to, len(source.pictures), audioFrom, audioTo, len(source.audio))
	return from
}

func (r *result) requireRun(t *testing.T, source, got []string) (from, to int) {
	t.Helper()
	require.Greater(t, len(got), 50+r.spoils, "too little was read")
	got = got[:len(got)-r.spoils]
	from, err := findRun(source, got)
	require.NoError(t, err)
	return from, from + len(got)
}

// checkTimes looks at the times in the file as it was read.
func (r *result) checkTimes(ctx context.Context, t *testing.T, source *clip) {
	t.Helper()
	var ffprobe []string
	if source.codec == "h265" {
		ffprobe = newer(t, "ffprobe")
	}
	list, err := packets(ctx, r.path, ffprobe...)
	require.NoError(t, err)
	if r.client == "gst-launch-1.0" && strings.Contains(r.name, "RTSP") {
		list = apart(list)
	}
	require.NoError(t, checkTimes(list))
}

// decodable returns a file that Debian's ffmpeg can decode, so that all hashes are made by the same decoder.
func (r *result) decodable(ctx context.Context, t *testing.T, source *clip) string {
	t.Helper()
	if source.codec != "h265" || !strings.HasSuffix(r.path, ".flv") {
		return r.path
	}
	path := strings.TrimSuffix(r.path, ".flv") + ".ts"
	_, err := run(ctx, append(newer(t, "ffmpeg"), "-v", "error", "-y", "-i", r.path, "-c", "copy", path)...)
	require.NoError(t, err)
	return path
}
