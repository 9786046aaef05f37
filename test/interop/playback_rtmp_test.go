package interop

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rtmpdump gets a recording from the second on that it begins with. Its pause cannot be had: it pauses only servers that say, by
// events of Adobe's own, that its buffer is full.
func TestPlaybackByRTMPDump(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	need(t, "rtmpdump")
	f := getFilm(ctx, t)
	s := openCinema(t).show(t, f.path, "film.mp4")
	_, err := run(ctx, "rtmpdump", "-r", s.rtmpURL(), "-o", filepath.Join(t.TempDir(), "out.flv"), "--start", "100")
	require.ErrorContains(t, err, "NetStream.Play.Failed", "beyond the end")
	for name, c := range map[string]struct {
		start []string
		first int
	}{
		"from the beginning": {nil, 0},
		"from 20.5 s":        {[]string{"--start", "20.5"}, 500},
		"from 20 s":          {[]string{"--start", "20"}, 500},
		"from 57 s":          {[]string{"--start", "57"}, 1400},
		"from the end":       {[]string{"--start", "60"}, 1450},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out := filepath.Join(t.TempDir(), "out.flv")
			p := background(ctx, t, append([]string{"rtmpdump", "-q", "-r", s.rtmpURL(), "-o", out}, c.start...)...)
			toEnd := c.first > len(f.pictures)-3*filmGroup
			if toEnd {
				require.NoError(t, p.wait())
			} else {
				awaitSize(ctx, t, p, out)
			}
			got, err := pictures(ctx, out)
			require.NoError(t, err)
			if !toEnd { // of those that depend on one another, not all have come
				require.Greater(t, len(got), filmGroup)
				got = got[:len(got)-3]
			}
			first, err := findRun(f.pictures, got)
			require.NoError(t, err)
			require.Equal(t, c.first, first)
			if toEnd {
				require.Len(t, got, len(f.pictures)-first)
			}
		})
	}
}

// awaitSize interrupts a client when it has written what three seconds of the film are, about.
func awaitSize(ctx context.Context, t *testing.T, p *process, path string) {
	t.Helper()
	for {
		if info, err := os.Stat(path); err == nil && info.Size() > 150_000 {
			break
		}
		select {
		case <-p.ended:
			t.Fatal("it has ended: ", p.err)
		case <-ctx.Done():
			t.Fatal("too little comes")
		case <-time.After(50 * time.Millisecond):
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGINT) // it may have ended
	<-p.ended
}

// VLC plays a recording by RTMP to its end. It is not asked to seek: its access to RTMP is ffmpeg's, which it asks for places in bytes
// only.
func TestPlaybackByVLC(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	source := getClip(t, "h264", 3)
	file := filepath.Join(t.TempDir(), "clip.mp4")
	_, err := run(ctx, "ffmpeg", "-v", "error", "-i", source.file, "-c", "copy", file)
	require.NoError(t, err)
	s := openCinema(t).show(t, file, "clip.mp4")
	for _, r := range readAll(ctx, t, s, []reader{vlc("VLC RTMP", (*server).rtmpURL)}) {
		r.checkMost(ctx, t, source)
	}
}
