package interop

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// How long a publisher and its readers may take, on a machine that is busy with other things.
const patience = 6 * time.Minute

// What every publisher sends, every reader reads: the same pictures, one after the other.
func TestH264(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		bframes int
		publish func(file, url string) []string
		more    []reader
	}{
		{"ffmpeg without B-frames", 0, ffmpegPublish, nil},
		{"ffmpeg with B-frames", 3, ffmpegPublish, hlsReaders()},
		{"GStreamer without B-frames", 0, gstPublish, []reader{
			gstContainer("GStreamer TS", (*server).tsURL, "tsdemux"), gstContainer("GStreamer fMP4", (*server).fmp4URL, "qtdemux"),
		}},
		{"GStreamer with B-frames", 3, gstPublish, ffmpegHLS()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			need(t, c.publish("", "")[0])
			source := getClip(t, "h264", c.bframes)
			s := serve(t, media.Config{}, nil)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p := background(ctx, t, c.publish(source.file, s.rtmpURL())...)
			s.await(ctx, t)
			results := readAll(ctx, t, s, append(h264Readers(), c.more...))
			t.Run("publisher", func(t *testing.T) { require.NoError(t, p.wait()) })
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) { r.check(ctx, t, source) })
			}
		})
	}
}

func ffmpegPublish(file, url string) []string {
	return []string{"ffmpeg", "-v", "error", "-re", "-i", file, "-c", "copy", "-f", "flv", url}
}

func gstPublish(file, url string) []string {
	return []string{
		"gst-launch-1.0", "-q", "filesrc", "location=" + file, "!", "flvdemux", "name=d",
		"flvmux", "name=m", "streamable=true", "!", "rtmp2sink", "location=" + url,
		"d.video", "!", "queue", "!", "h264parse", "!", "identity", "sync=true", "!", "m.",
		"d.audio", "!", "queue", "!", "aacparse", "!", "identity", "sync=true", "!", "m.",
	}
}
