package interop

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// clip is a file of pictures that all differ, with AAC.
type clip struct {
	codec    string
	file     string
	seconds  int
	pictures []string // what ffmpeg decodes from it
	audio    []string // its audio frames, as they are
}

const (
	clipSeconds = 15
	pictureRate = 25
)

// clips are made when they are first asked for.
type clipKey struct {
	codec   string
	bframes int
}

var (
	clipFolder string
	clips      sync.Map // of clipKey to func() (*clip, error)
)

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	var err error
	clipFolder, err = os.MkdirTemp("", "interop")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(clipFolder)
	if err = inParallel(3 * runtime.GOMAXPROCS(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// inParallel runs so many tests at once, unless -parallel says how many: most of the time they wait for a clip to pass.
func inParallel(n int) error {
	const name = "test.parallel"
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return nil
	}
	return flag.Set(name, strconv.Itoa(n))
}

// getClip returns a clip with so many B-frames in a row: H.264 in FLV, or H.265 in MPEG-TS.
func getClip(t *testing.T, codec string, bframes int) *clip {
	t.Helper()
	need(t, "ffmpeg", "ffprobe")
	key := clipKey{codec, bframes}
	once, _ := clips.LoadOrStore(key, sync.OnceValues(func() (*clip, error) { return key.make() }))
	c, err := once.(func() (*clip, error))()
	require.NoError(t, err)
	return c
}

// make encodes a clip. A key frame every 2 s begins a closed GOP: who joins there can decode all that follows.
func (k clipKey) make() (*clip, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	b, gop := strconv.Itoa(k.bframes), strconv.Itoa(2*pictureRate)
	path := filepath.Join(clipFolder, fmt.Sprintf("%s-%d.flv", k.codec, k.bframes))
	args := []string{
		"ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=160x120:rate=%d", pictureRate),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", strconv.Itoa(clipSeconds), "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-b:a", "64k", "-b:v", "400k", "-bf", b, "-g", gop,
	}
	if k.codec == "h265" {
		path = filepath.Join(clipFolder, fmt.Sprintf("%s-%d.ts", k.codec, k.bframes))
		args = append(args, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:open-gop=0:scenecut=0:bframes="+
			b+":keyint="+gop+":min-keyint="+gop)
	} else {
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-keyint_min", gop, "-sc_threshold", "0")
	}
	if _, err := run(ctx, append(args, path)...); err != nil {
		return nil, err
	}
	c := &clip{codec: k.codec, file: path, seconds: clipSeconds}
	var err error
	c.pictures, c.audio, err = content(ctx, path)
	return c, err
}

// The tests mean nothing unless every picture differs and B-frames are really there.
func TestClips(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"h264", "h265"} {
		for _, bframes := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s with %d B-frames", codec, bframes), func(t *testing.T) {
				t.Parallel()
				c := getClip(t, codec, bframes)
				require.Len(t, c.pictures, clipSeconds*pictureRate)
				seen := map[string]bool{}
				for _, p := range c.pictures {
					require.False(t, seen[p], "two pictures are the same")
					seen[p] = true
				}
				require.Greater(t, len(c.audio), clipSeconds*40)
				list, err := packets(t.Context(), c.file)
				require.NoError(t, err)
				require.NoError(t, checkTimes(list))
				reordered := false
				for _, p := range list {
					reordered = reordered || p.kind == "video" && p.pts-p.dts > 0.07 // ffmpeg delays all by a picture or more
				}
				require.Equal(t, bframes > 0, reordered)
			})
		}
	}
}
