package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// What every publisher sends, every reader reads: the same pictures, one after the other.
func TestH264(t *testing.T) {
	publishers := map[string]struct {
		client string
		args   func(clip, url string) []string
	}{
		"ffmpeg": {"ffmpeg", func(clip, url string) []string {
			return []string{"ffmpeg", "-v", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", url}
		}},
		"gstreamer": {"gst-launch-1.0", func(clip, url string) []string {
			return []string{
				"gst-launch-1.0", "-q", "filesrc", "location=" + clip, "!", "flvdemux", "name=d",
				"flvmux", "name=m", "streamable=true", "!", "rtmp2sink", "location=" + url,
				"d.video", "!", "queue", "!", "h264parse", "!", "identity", "sync=true", "!", "m.",
				"d.audio", "!", "queue", "!", "aacparse", "!", "identity", "sync=true", "!", "m.",
			}
		}},
	}
	for _, c := range []struct{ name, publisher, bframes string }{
		{"ffmpeg without B-frames", "ffmpeg", "0"},
		{"ffmpeg with B-frames", "ffmpeg", "3"},
		{"gstreamer without B-frames", "gstreamer", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := publishers[c.publisher]
			need(t, p.client)
			clip := encode(t, "clip.flv", 24, "-c:v", "libx264", "-preset", "veryfast", "-bf", c.bframes, "-b:v", "400k")
			source := pictures(t, clip)
			require.Len(t, source, 24*25)
			s := start(t, media.Config{})
			publish(t, p.args(clip, s.rtmpURL("test"))...)
			s.await(t, "test")
			for r, read := range readAll(t, readers(), s, "test", 10) {
				t.Run(r, func(t *testing.T) {
					file := read(t)
					requireRun(t, source, pictures(t, file), 75)
					requireMonotone(t, file)
				})
			}
		})
	}
}
