package interop

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

const (
	// How far a flash and its beep may be apart, in seconds. Beeps are measured 10 ms at a time, behind an encoder.
	syncLimit = 0.040
	// By then GStreamer has sent its first reports, which say how its tracks lie; before, only when they arrive does,
	// so the first seconds may be off by as much as a busy machine holds one of them up.
	reported        = 5.
	unreportedLimit = 0.300
)

// Pictures and sound that belong together stay together.
func TestRTSPSync(t *testing.T) {
	t.Parallel()
	source := flashes(t, 3)
	for name, publish := range map[string]func(file, url string) []string{
		"ffmpeg": rtspPublish("tcp"), "ffmpeg UDP": rtspPublish("udp"), "GStreamer": gstRTSPPublish,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			need(t, publish("", "")[0])
			from := 0.
			if isGstRTSP(publish("", "")) {
				needRTSPClientSink(ctx, t)
				from = reported
			}
			s := serve(t, media.Config{}, nil)
			p := background(ctx, t, publish(source, s.rtspURL())...)
			s.awaitFrom(ctx, t, p)
			results := readAll(ctx, t, s, append(ffmpegHLS(),
				rtspCopier("ffmpeg RTSP TCP", "tcp"),
				rtspCopier("ffmpeg RTSP UDP", "udp"),
				gstRTSP("GStreamer RTSP TCP", "tcp", "h264"),
				copier("ffmpeg RTMP", "out.flv", (*server).rtmpURL, "ffmpeg"),
				copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
				copier("ffmpeg TS", "out.ts", (*server).tsURL, "ffmpeg"),
				copier("ffmpeg fMP4", "out.mp4", (*server).fmp4URL, "ffmpeg"),
			))
			require.NoError(t, p.wait())
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) {
					need(t, r.client)
					require.NoError(t, r.err)
					checkSync(ctx, t, r.path, from)
				})
			}
		})
	}
}

// flashes makes a file in which the picture is white and a beep sounds for 80 ms of every second.
func flashes(t *testing.T, bframes int) string {
	t.Helper()
	need(t, "ffmpeg")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	path := filepath.Join(t.TempDir(), "flashes.flv")
	_, err := run(ctx, "ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", fmt.Sprintf("color=black:size=160x120:rate=%d,drawbox=color=white:thickness=fill:enable='lt(mod(t,1),0.08)'", pictureRate),
		"-f", "lavfi", "-i", "aevalsrc='if(lt(mod(t,1),0.08),0.8*sin(2*PI*1000*t),0)':sample_rate=44100",
		"-t", strconv.Itoa(clipSeconds), "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-c:v", "libx264", "-preset", "veryfast",
		"-bf", strconv.Itoa(bframes), "-g", strconv.Itoa(2*pictureRate), path)
	require.NoError(t, err)
	checkSync(ctx, t, path, 0)
	return path
}

// checkSync requires every flash in a file to have its beep, exactly so from so many seconds behind the first on.
func checkSync(ctx context.Context, t *testing.T, path string, from float64) {
	t.Helper()
	bright, err := rises(ctx, path, "-vf", "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-", 100)
	require.NoError(t, err)
	// 10 ms at a time; the beep has -4 dB, and the rest is silent but for what the encoder adds.
	loud, err := rises(ctx, path, "-af", "asetnsamples=441,astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.RMS_level:file=-", -20)
	require.NoError(t, err)
	require.Greater(t, len(bright), 5, "too few flashes")
	worst := 0.
	for _, at := range bright {
		apart, limit := math.Abs(nearest(loud, at)-at), syncLimit
		if at < bright[0]+from {
			limit = unreportedLimit
		}
		require.LessOrEqual(t, apart, limit, "flashes %v, beeps %v", bright, loud)
		worst = max(worst, apart)
	}
	t.Logf("%d flashes, %d beeps, at most %.0f ms apart", len(bright), len(loud), worst*1000)
}

// nearest returns the time that is nearest to at.
func nearest(times []float64, at float64) float64 {
	best := math.Inf(1)
	for _, x := range times {
		if math.Abs(x-at) < math.Abs(best-at) {
			best = x
		}
	}
	return best
}

// rises returns the times at which what a filter measures comes to exceed a threshold. What exceeds it from the
// beginning, or just before the end, is left out: the other track may not have it.
func rises(ctx context.Context, path, option, filter string, threshold float64) ([]float64, error) {
	other := map[string]string{"-vf": "-an", "-af": "-vn"}[option]
	out, err := stdout(ctx, "ffmpeg", "-v", "fatal", "-copyts", "-threads", "1", "-i", path, other, option, filter, "-f", "null", "-")
	if err != nil {
		return nil, err
	}
	var list []float64
	now, above := 0., true
	first := math.NaN()
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if _, stamp, ok := strings.Cut(line, "pts_time:"); ok {
			if now, err = strconv.ParseFloat(strings.TrimSpace(stamp), 64); err != nil {
				return nil, err
			}
			if math.IsNaN(first) {
				first = now
			}
			continue
		}
		_, value, _ := strings.Cut(line, "=")
		level, err := strconv.ParseFloat(value, 64) // -inf is silence
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		if level > threshold && !above && now > first+0.5 {
			list = append(list, now)
		}
		above = level > threshold
	}
	for len(list) > 0 && option == "-vf" && now-list[len(list)-1] < 0.5 {
		list = list[:len(list)-1]
	}
	return list, nil
}
