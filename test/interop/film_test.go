package interop

import (
	"context"
	"crypto/md5" //nolint:gosec // tells pictures apart
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

const (
	filmSeconds = 60
	filmGroup   = 2 * pictureRate // pictures from one key frame to the next
)

// film is a recording of a minute, of which it is known which picture is which.
type film struct {
	path     string
	pictures []string // what ffmpeg decodes from it
	frames   []string // what is coded of each, in decoding order
}

// oneFilm is made when it is first asked for.
var oneFilm struct {
	sync.Mutex
	*film
}

func getFilm(ctx context.Context, t *testing.T) *film {
	t.Helper()
	need(t, "ffmpeg", "ffprobe")
	oneFilm.Lock()
	defer oneFilm.Unlock()
	if oneFilm.film == nil {
		oneFilm.film = recordFilm(ctx, t)
	}
	return oneFilm.film
}

// recordFilm publishes a clip twenty times as fast as it plays, and keeps what the server records of it.
func recordFilm(ctx context.Context, t *testing.T) *film {
	t.Helper()
	shot := filepath.Join(t.TempDir(), "shot.flv")
	encode(ctx, t, shot, filmSeconds, pictureRate)
	s := serve(t, media.Config{Options: hook.StreamOptions{EnableMP4: new(true)}}, nil)
	rec, err := record.New(s.media, record.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rec.Close()) })
	_, err = run(ctx, "ffmpeg", "-v", "error", "-readrate", "20", "-i", shot, "-c", "copy", "-f", "flv", s.rtmpURL())
	require.NoError(t, err)
	list := awaitRecording(ctx, t, rec)
	f := &film{path: filepath.Join(clipFolder, "film.mp4")}
	require.NoError(t, os.Rename(filepath.Join(list.Dir, list.Names[0]), f.path))
	f.pictures, err = pictures(ctx, f.path)
	require.NoError(t, err)
	want, err := pictures(ctx, shot)
	require.NoError(t, err)
	require.Len(t, want, filmSeconds*pictureRate)
	require.Equal(t, want, f.pictures, "all of it was recorded")
	f.frames = framesOf(ctx, t, f.path)
	require.Len(t, f.frames, len(f.pictures))
	return f
}

// encode makes a file of pictures that all differ, with two B-frames in a row and a key frame every 2 s, and AAC. More
// options may say otherwise.
func encode(ctx context.Context, t *testing.T, path string, seconds, rate int, more ...string) {
	t.Helper()
	args := []string{
		"ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=320x240:rate=%d", rate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", strconv.Itoa(seconds), "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-b:a", "64k", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "400k", "-bf", "2",
		"-g", strconv.Itoa(2 * rate), "-keyint_min", strconv.Itoa(2 * rate), "-sc_threshold", "0",
	}
	_, err := run(ctx, append(append(args, more...), path)...)
	require.NoError(t, err)
}

// keyBefore is the number of the key frame at or before a time of the film.
func keyBefore(seconds float64) int { return int(seconds) / 2 * filmGroup }

// framesOf returns a hash of the slices of every picture in an MP4 file with H.264, in decoding order.
func framesOf(ctx context.Context, t *testing.T, path string) (list []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	out, err := stdout(ctx, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size", "-of", "csv=p=0", path)
	require.NoError(t, err)
	for line := range strings.Lines(out) {
		size, at, _ := strings.Cut(strings.TrimRight(strings.TrimSpace(line), ","), ",")
		n, err := strconv.Atoi(size)
		require.NoError(t, err)
		from, err := strconv.Atoi(at)
		require.NoError(t, err)
		units, err := h265Units(data[from : from+n]) // which is the same of H.264
		require.NoError(t, err)
		list = append(list, frameHash(units))
	}
	return list
}

// frameHash is a hash of the slices of a picture: what servers add to them, such as parameter sets, is left out.
func frameHash(units [][]byte) string {
	h := md5.New() //nolint:gosec // as above
	for _, u := range units {
		if kind := u[0] & 0x1f; kind == 1 || kind == 5 {
			h.Write(u)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
