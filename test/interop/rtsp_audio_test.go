package interop

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Noise, so that no two frames are the same.
func noise(ctx context.Context, t *testing.T, file string, options ...string) string {
	t.Helper()
	need(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), file)
	args := []string{
		"ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.5:seed=1",
		"-t", strconv.Itoa(clipSeconds),
	}
	_, err := run(ctx, append(append(args, options...), path)...)
	require.NoError(t, err)
	return path
}

// The bytes of G.711 pass unchanged through RTP and FLV.
func TestRTSPG711(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pcma := []string{"-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"}
	wave := noise(ctx, t, "noise.wav", "-ar", "8000", "-ac", "1")
	raw := filepath.Join(t.TempDir(), "noise.al")
	_, err := run(ctx, append(append([]string{"ffmpeg", "-v", "error", "-i", wave}, pcma...), "-f", "alaw", raw)...)
	require.NoError(t, err)
	source, err := os.ReadFile(raw)
	require.NoError(t, err)
	copies := func(name string, url func(*server) string, options ...string) reader {
		return program(name, "out.al", func(s *server, path string) []string {
			args := append([]string{"ffmpeg", "-v", "error", "-y"}, options...)
			return append(args, "-i", url(s), "-c", "copy", "-f", "alaw", path)
		})
	}
	s := serve(t, media.Config{}, nil)
	publish := append([]string{"ffmpeg", "-v", "error", "-re", "-i", wave}, pcma...)
	p := background(ctx, t, append(publish, "-f", "rtsp", "-rtsp_transport", "tcp", s.rtspURL())...)
	s.awaitFrom(ctx, t, p)
	results := readAll(ctx, t, s, []reader{
		copies("RTSP TCP", (*server).rtspURL, "-rtsp_transport", "tcp"),
		mayLose(copies("RTSP UDP", (*server).rtspURL, "-rtsp_transport", "udp")),
		copies("RTMP", (*server).rtmpURL),
		copies("HTTP", (*server).httpURL),
		copies("fMP4", (*server).fmp4URL),
		copies("HLS fMP4", (*server).hls4URL),
	})
	require.NoError(t, p.wait())
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) {
			require.NoError(t, r.err)
			got, err := os.ReadFile(r.path)
			require.NoError(t, err)
			require.Greater(t, len(got), len(source)/2, "too little was read")
			from := bytes.Index(source, got)
			require.GreaterOrEqual(t, from, 0, "the bytes are not a part of the source's")
			if r.spoils == 0 {
				require.Equal(t, len(source), from+len(got), "the last bytes are missing")
			}
			t.Logf("bytes %d to %d of %d", from, from+len(got), len(source))
		})
	}
}

// The packets of Opus pass unchanged through RTP.
func TestRTSPOpus(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	file := noise(ctx, t, "noise.mka", "-c:a", "libopus", "-b:a", "64k")
	packetsOf := func(path string) []string {
		list, err := hashes(ctx, path, "-map", "0:a", "-c", "copy")
		require.NoError(t, err)
		return list
	}
	source := packetsOf(file)
	s := serve(t, media.Config{}, nil)
	p := background(ctx, t, rtspPublish("tcp")(file, s.rtspURL())...)
	s.awaitFrom(ctx, t, p)
	copies := func(transport string) reader {
		return program("ffmpeg RTSP "+transport, "out.mka", func(s *server, path string) []string {
			return []string{"ffmpeg", "-v", "error", "-y", "-rtsp_transport", transport, "-i", s.rtspURL(), "-c", "copy", path}
		})
	}
	results := readAll(ctx, t, s, []reader{
		copies("tcp"), mayLose(copies("udp")), copies("http"),
		copier("ffmpeg TS", "out.mka", (*server).tsURL, "ffmpeg"),
		copier("ffmpeg fMP4", "out.mka", (*server).fmp4URL, "ffmpeg"),
		copier("ffmpeg HLS TS", "out.mka", (*server).hlsURL, "ffmpeg"),
		copier("ffmpeg HLS fMP4", "out.mka", (*server).hls4URL, "ffmpeg"),
		program("GStreamer RTSP TCP", "out.mka", func(s *server, path string) []string {
			return append(gstRTSPSource(s.rtspURL(), "tcp"), "!", "rtpopusdepay", "!", "opusparse", "!", "matroskamux", "!", "filesink", "location="+path)
		}),
	})
	require.NoError(t, p.wait())
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) {
			need(t, r.client)
			require.NoError(t, r.err)
			got := packetsOf(r.path)
			require.Greater(t, len(got), len(source)/2, "too little was read")
			from, err := findRun(source, got)
			require.NoError(t, err)
			if r.spoils == 0 {
				require.Equal(t, len(source), from+len(got), "the last packets are missing")
			}
			t.Logf("packets %d to %d of %d", from, from+len(got), len(source))
		})
	}
}
