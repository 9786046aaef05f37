package interop

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// What is published by RTSP, or by RTMP, every reader reads by RTSP, RTMP and HTTP-FLV: the same pictures, one after
// the other, though RTP does not say when they are to be decoded.
func TestRTSP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		codec   string
		bframes int
		publish func(file, url string) []string
		url     func(*server) string
		loses   bool // the publisher, some of the end
	}{
		{"ffmpeg TCP without B-frames", "h264", 0, rtspPublish("tcp"), (*server).rtspURL, false},
		{"ffmpeg TCP with B-frames", "h264", 3, rtspPublish("tcp"), (*server).rtspURL, false},
		{"ffmpeg UDP without B-frames", "h264", 0, rtspPublish("udp"), (*server).rtspURL, true},
		{"ffmpeg UDP with B-frames", "h264", 3, rtspPublish("udp"), (*server).rtspURL, true},
		{"GStreamer TCP without B-frames", "h264", 0, gstRTSPPublish, (*server).rtspURL, false},
		{"GStreamer TCP with B-frames", "h264", 3, gstRTSPPublish, (*server).rtspURL, false},
		{"ffmpeg RTMP without B-frames", "h264", 0, ffmpegPublish, (*server).rtmpURL, false},
		{"ffmpeg RTMP with B-frames", "h264", 3, ffmpegPublish, (*server).rtmpURL, false},
		{"ffmpeg TCP H.265", "h265", 0, rtspPublish("tcp"), (*server).rtspURL, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			need(t, c.publish("", "")[0])
			if isGstRTSP(c.publish("", "")) {
				needRTSPClientSink(ctx, t)
			}
			source := plain(getClip(t, c.codec, c.bframes))
			s := serve(t, media.Config{}, nil)
			file := source.file
			if c.codec == "h265" {
				file = remux(ctx, t, file)
			}
			p := background(ctx, t, c.publish(file, c.url(s))...)
			s.awaitFrom(ctx, t, p)
			readers := crossReaders(c.codec)
			if c.publish("", "")[0] == "ffmpeg" && c.bframes == 0 { // once for each codec and transport is enough
				readers = append(readers, ffmpegHLS()...)
			}
			if c.loses { // TEARDOWN, which goes by TCP, is not ordered with the last packets
				for i := range readers {
					readers[i] = mayLose(readers[i])
				}
			}
			results := readAll(ctx, t, s, readers)
			t.Run("publisher", func(t *testing.T) { require.NoError(t, p.wait()) })
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) {
					r.checkMost(ctx, t, source)
					if r.client == "ffmpeg" { // GStreamer smooths what it takes for the jitter of the network
						r.checkPace(ctx, t)
					}
				})
			}
		})
	}
}

// awaitFrom waits until the stream is live, or its publisher has failed.
func (s *server) awaitFrom(ctx context.Context, t *testing.T, p *process) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-p.ended:
			t.Log("the publisher ended:", p.err)
		case <-ctx.Done():
		}
	}()
	s.await(ctx, t)
	if isGstRTSP(p.args) {
		go s.endStill(p)
	}
}

// plain says that Debian's ffprobe knows what is read of a clip: by RTSP H.265 does not get into FLV.
func plain(c *clip) *clip {
	other := *c
	other.codec = ""
	return &other
}

// remux puts what is in MPEG-TS into Matroska: ffmpeg sends AAC by RTP only when it knows its configuration in
// advance, which MPEG-TS does not tell.
func remux(ctx context.Context, t *testing.T, file string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "remuxed.mkv")
	_, err := run(ctx, "ffmpeg", "-v", "error", "-i", file, "-c", "copy", path)
	require.NoError(t, err)
	return path
}

// checkPace requires the pictures to be as far apart as they were published, but for rounding. ffmpeg counts the time from the first
// sound by RTSP: pictures before it, as when the publisher is held up between the two, are all at that moment.
func (r *result) checkPace(ctx context.Context, t *testing.T) {
	t.Helper()
	list, err := packets(ctx, r.path)
	require.NoError(t, err)
	var times []float64
	sound := math.Inf(1)
	for _, p := range list {
		if p.kind == "video" {
			times = append(times, p.pts)
		} else {
			sound = min(sound, p.pts)
		}
	}
	slices.Sort(times)
	checked := 0
	for i := 2; i < len(times); i++ { // ffmpeg guesses the time of the first if it came in many packets of RTP
		if times[i-1] < sound+0.001 {
			continue
		}
		require.InDelta(t, 1./pictureRate, times[i]-times[i-1], 0.003, "before picture %d, at %v", i, times[i])
		checked++
	}
	require.Greater(t, checked, len(times)*9/10)
}
