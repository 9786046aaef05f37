package interop

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// GStreamer plays a recording, seeks in it while it plays and before, pauses, and goes through it faster and slower: what it decodes
// after each seek begins with the key frame before the place, and every picture follows.
func TestPlaybackByGStreamer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	needGstPlayer(ctx, t)
	f := getFilm(ctx, t)
	s := openCinema(t).show(t, f.path, "film.mp4")
	for name, c := range map[string]struct {
		actions string
		firsts  []int // pictures, of the beginning and after each seek
	}{
		"seeks":  {"play seek=30.5 seek=3 seek=45.9 seek=57 end", []int{0, 750, 50, 1100, 1400}},
		"begins": {"from=20.5 seek=41", []int{500, 1000}},
		"pauses": {"play pause=2 seek=40 pause=2", []int{0, 1000}},
		"slower": {"play scale=0.5@10.5 scale=1@30", []int{0, 250, 750}},
		"faster": {"play scale=2@20 pause=2 scale=4@10.5 speed=2@50.1 end", []int{0, 500, 250, 1250}},
		"beyond": {"play seek=59.9 end", []int{0, 1450}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out, err := stdout(ctx, append([]string{python, filepath.Join("gst", "player.py"), s.rtspURL()}, strings.Fields(c.actions)...)...)
			require.NoError(t, err)
			parts, ended := partsOf(out)
			require.Equal(t, strings.HasSuffix(c.actions, "end"), ended)
			require.Len(t, parts, len(c.firsts))
			for i, got := range parts {
				first, err := findRun(f.pictures, got)
				require.NoError(t, err, "after seek %d", i)
				require.Equal(t, c.firsts[i], first, "after seek %d", i)
			}
			if ended {
				require.Len(t, parts[len(parts)-1], len(f.pictures)-c.firsts[len(parts)-1], "the end is missing")
			}
		})
	}
}

// partsOf returns the hashes of pictures before the first seek and after each, and whether the end has come.
func partsOf(out string) (parts [][]string, ended bool) {
	last := ""
	for line := range strings.Lines(out) {
		number, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		if number == "end" {
			return parts, true
		}
		if number != last {
			parts, last = append(parts, nil), number
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], hash)
	}
	return parts, false
}

// needGstPlayer skips a test that needs GStreamer's bindings for Python.
func needGstPlayer(ctx context.Context, t *testing.T) {
	t.Helper()
	need(t, python, "gst-launch-1.0")
	if _, err := run(ctx, python, "-c", "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst"); err != nil {
		missing(t, "no GStreamer for Python: apt-get install python3-gi gir1.2-gstreamer-1.0, or scripts/clients.sh")
	}
}
