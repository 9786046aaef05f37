package interop

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// GStreamer records a stream into MP4 and Matroska, as it comes out of its jitter buffer, wherever in a group of pictures
// it begins: nothing is without a time, and no picture is missing or in a wrong place.
func TestRTSPGStreamerRecords(t *testing.T) {
	t.Parallel()
	source := plain(getClip(t, "h264", 3))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	need(t, "gst-launch-1.0")
	s := serve(t, media.Config{}, nil)
	p := background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
	s.await(ctx, t)
	var readers []reader
	for _, transport := range []string{"tcp", "udp"} {
		for muxer, file := range map[string]string{"mp4mux": "out.mp4", "matroskamux": "out.mkv"} {
			for i := range 3 {
				readers = append(readers, gstRecorder(transport, muxer, file, time.Duration(i)*1300*time.Millisecond))
			}
		}
	}
	results := readAll(ctx, t, s, readers)
	require.NoError(t, p.wait())
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) {
			require.NoError(t, r.err)
			r.checkContent(ctx, t, source)
		})
	}
}

// gstRecorder is a GStreamer that begins after a while, with nothing but defaults.
func gstRecorder(transport, muxer, file string, after time.Duration) reader {
	r := program(fmt.Sprintf("%s %s after %v", muxer, transport, after), file, func(s *server, path string) []string {
		return []string{
			"gst-launch-1.0", "-q", "rtspsrc", "name=s", "protocols=" + transport, "location=" + s.rtspURL(),
			muxer, "name=m", "!", "filesink", "location=" + path,
			"s.", "!", "rtph264depay", "!", "h264parse", "!", "queue", "!", "m.",
			"s.", "!", "rtpmp4gdepay", "!", "aacparse", "!", "queue", "!", "m.",
		}
	})
	read := r.read
	r.read = func(ctx context.Context, s *server, path string) error {
		time.Sleep(after)
		return read(ctx, s, path)
	}
	return mayLose(r)
}
