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

// The packets of Opus and of MP3 pass unchanged through RTP and the containers.
func TestRTSPOpus(t *testing.T) {
	t.Parallel()
	copySound(t, soundSource{[]string{"-c:a", "libopus", "-b:a", "64k"}, soundByRTSP, 0}, gstSound("rtpopusdepay", "opusparse"))
}

// Of MPEG-2, half as many samples are in a frame. Several frames are in a packet, and ffmpeg does not send one that is not full when it
// ends.
func TestRTSPMP3(t *testing.T) {
	t.Parallel()
	readers := append(flvSound(), gstSound("rtpmpadepay", "mpegaudioparse"))
	copySound(t, soundSource{[]string{"-c:a", "libmp3lame", "-b:a", "64k", "-ar", "22050"}, soundByRTSP, 9}, readers...)
}

func TestRTMPMP3(t *testing.T) {
	t.Parallel()
	copySound(t, soundSource{[]string{"-c:a", "libmp3lame"}, soundByRTMP, 0}, flvSound()...)
}

func soundByRTSP(file string, s *server) []string { return rtspPublish("tcp")(file, s.rtspURL()) }

func soundByRTMP(file string, s *server) []string {
	return []string{"ffmpeg", "-v", "error", "-re", "-i", file, "-c", "copy", "-f", "flv", s.rtmpURL()}
}

// soundSource is noise as it is published.
type soundSource struct {
	options []string // of the encoder
	publish func(file string, s *server) []string
	keeps   int // how many of the last packets the publisher keeps to itself, at most
}

// copySound publishes noise, copies it with every client that knows the codec, and compares the packets.
func copySound(t *testing.T, from soundSource, more ...reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	file := noise(ctx, t, "noise.mka", from.options...)
	packetsOf := func(path string) []string {
		list, err := hashes(ctx, path, "-map", "0:a", "-c", "copy")
		require.NoError(t, err)
		return list
	}
	source := packetsOf(file)
	s := serve(t, media.Config{}, nil)
	p := background(ctx, t, from.publish(file, s)...)
	s.awaitFrom(ctx, t, p)
	results := readAll(ctx, t, s, append(soundCopies(), more...))
	require.NoError(t, p.wait())
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) {
			need(t, r.client)
			require.NoError(t, r.err)
			got := packetsOf(r.path)
			require.Greater(t, len(got), len(source)/5, "too little was read: even many clients on a busy machine have begun by then")
			first, err := findRun(source, got)
			require.NoError(t, err)
			if r.spoils == 0 {
				require.GreaterOrEqual(t, first+len(got), len(source)-from.keeps, "the last packets are missing")
			}
			t.Logf("packets %d to %d of %d", first, first+len(got), len(source))
		})
	}
}

// soundCopies are the readers that copy what is sound alone.
func soundCopies() []reader {
	byRTSP := func(transport string) reader {
		return program("ffmpeg RTSP "+transport, "out.mka", func(s *server, path string) []string {
			return []string{"ffmpeg", "-v", "error", "-y", "-rtsp_transport", transport, "-i", s.rtspURL(), "-c", "copy", path}
		})
	}
	return []reader{
		byRTSP("tcp"), mayLose(byRTSP("udp")), byRTSP("http"),
		copier("ffmpeg TS", "out.mka", (*server).tsURL, "ffmpeg"),
		copier("ffmpeg fMP4", "out.mka", (*server).fmp4URL, "ffmpeg"),
		copier("ffmpeg HLS TS", "out.mka", (*server).hlsURL, "ffmpeg"),
		copier("ffmpeg HLS fMP4", "out.mka", (*server).hls4URL, "ffmpeg"),
	}
}

// flvSound are those that copy sound that plain FLV carries.
func flvSound() []reader {
	return []reader{
		copier("ffmpeg RTMP", "out.mka", (*server).rtmpURL, "ffmpeg"),
		copier("ffmpeg HTTP", "out.mka", (*server).httpURL, "ffmpeg"),
	}
}

// gstSound is a GStreamer that copies sound by RTSP with two of its elements.
func gstSound(depayloader, parser string) reader {
	return program("GStreamer RTSP TCP", "out.mka", func(s *server, path string) []string {
		return append(gstRTSPSource(s.rtspURL(), "tcp"), "!", depayloader, "!", parser, "!", "matroskamux", "!", "filesink", "location="+path)
	})
}
