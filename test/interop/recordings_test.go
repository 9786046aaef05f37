package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// countingSource is a source of ffmpeg whose picture says which second of the stream it is: of ten bars the first is white, the last black, and
// those between are the binary digits, the lowest first.
func countingSource() string {
	bars := "color=c=black:size=320x240:rate=" + strconv.Itoa(pictureRate) + ",drawbox=x=0:w=32:h=240:color=white:t=fill"
	for i := range 8 {
		bars += fmt.Sprintf(",drawbox=x=%d:w=32:h=240:color=white:t=fill:enable='mod(floor(t/%d),2)'", 32*(i+1), 1<<i)
	}
	return bars
}

// recorded is what was seen of the page of a stream's recordings.
type recorded struct {
	Guest struct {
		Rows, Blocks int
		Button       bool
	}
	Clicked, Later, Again, Across struct { // what was seen of a time
		Clock, Second int // of the day, by the clock; of the stream, by the picture
		Start         int // of the file, by the clock
		Advanced      float64
	}
	Growing, Finished bool
	File, Excerpt     string // what was downloaded
	Message           string // where there is nothing
	Log               []string
}

// The page shows to everybody who may read files what was recorded of a stream, with the right time, and plays, seeks and downloads it. Who
// has logged in records there.
func TestChromiumPlaysRecordings(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	need(t, "ffmpeg", "ffprobe", "curl")
	const name = `the yard "<b>50%</b>" ü&?#`
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := demonstrateTo(ctx, t, "sesame")
	background(ctx, t, "ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", countingSource(),
		"-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast",
		"-g", strconv.Itoa(pictureRate), "-c:a", "aac", "-f", "rtsp", "-rtsp_transport", "tcp", c.rtsp+url.PathEscape(name))
	c.await(ctx, t, name)
	c.recordFiles(ctx, t, name)

	saw := c.watchRecordings(ctx, t, name)
	require.Empty(t, saw.Log, "the console has errors")
	require.False(t, saw.Guest.Button, "one who is not logged in can record")
	require.GreaterOrEqual(t, saw.Guest.Rows, 3)
	require.Positive(t, saw.Guest.Blocks)
	require.True(t, saw.Growing && saw.Finished, "the button does not record, or does not stop")
	require.Equal(t, "Nothing was recorded on this day.", saw.Message)
	for i, place := range []struct{ Clock, Second, Start int }{
		{saw.Clicked.Clock, saw.Clicked.Second, saw.Clicked.Start},
		{saw.Later.Clock, saw.Later.Second, saw.Later.Start},
		{saw.Again.Clock, saw.Again.Second, saw.Again.Start},
		{saw.Across.Clock, saw.Across.Second, saw.Across.Start},
	} {
		require.GreaterOrEqual(t, place.Second, 0, "place %d has no picture", i)
		// The picture says the time modulo 256 s. Both are cut to seconds.
		off := (place.Clock-place.Second-(saw.Again.Clock-saw.Again.Second)+128+256*1000)%256 - 128
		require.InDelta(t, 0, off, 1, "the clock of place %d is wrong", i)
	}
	require.Greater(t, saw.Clicked.Advanced, 1.0)
	require.GreaterOrEqual(t, saw.Clicked.Clock, saw.Clicked.Start-1)
	require.GreaterOrEqual(t, saw.Later.Clock, saw.Later.Start+9, "an arrow moves by 10 s")
	require.GreaterOrEqual(t, saw.Across.Clock, saw.Across.Start-1)
	require.Greater(t, duration(ctx, t, saw.File), 1.0)
	require.InDelta(t, 6, duration(ctx, t, saw.Excerpt), 1.5, "key frames are 1 s apart")
}

// recordFiles records a stream until there are some files of two seconds: more than are played and passed over on a busy machine.
func (c complete) recordFiles(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	call := "?type=1&vhost=__defaultVhost__&app=live&max_second=2&stream=" + url.QueryEscape(name)
	require.Contains(t, c.ask(ctx, "index/api/startRecord"+call), `success`)
	spans := func() (list struct {
		Spans []struct {
			Growing  bool
			Duration float64
		}
	}, length float64,
	) {
		text := c.ask(ctx, "record/live/"+url.PathEscape(name)+".json?from="+strconv.FormatInt(time.Now().Unix()-1000, 10))
		_ = json.Unmarshal([]byte(text), &list) // it has none then
		for _, s := range list.Spans {
			length += s.Duration
		}
		return list, length
	}
	require.Eventually(t, func() bool {
		list, length := spans()
		return len(list.Spans) >= 4 && length > 20
	}, patience, 200*time.Millisecond)
	require.Contains(t, c.ask(ctx, "index/api/stopRecord"+call), `success`)
	require.Eventually(t, func() bool {
		list, _ := spans()
		for _, s := range list.Spans {
			if s.Growing {
				return false
			}
		}
		return len(list.Spans) >= 4
	}, patience, 200*time.Millisecond)
}

// watchRecordings does on the page all that can be done with the recordings of a stream.
func (c complete) watchRecordings(ctx context.Context, t *testing.T, name string) (saw recorded) {
	t.Helper()
	oneChromium.Lock()
	defer oneChromium.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	browser, err := exec.LookPath("chromium")
	require.NoError(t, err)
	out, err := stdout(ctx, "node", filepath.Join(npmFolder, "recordings.mjs"), c.page, "live/"+name, c.secret, t.TempDir(), browser)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(out), &saw), out)
	return saw
}

// duration is that of a file, of which nobody has anything to complain.
func duration(ctx context.Context, t *testing.T, file string) float64 {
	t.Helper()
	out, err := run(ctx, "ffprobe", "-v", "warning", "-show_entries", "format=duration", "-of", "csv=p=0", file)
	require.NoError(t, err)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	require.NoError(t, err, out)
	return seconds
}
