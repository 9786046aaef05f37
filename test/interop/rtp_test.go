package interop

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

// rtpServer adds to a server what receives and sends RTP. What nothing comes to any more ends soon.
func rtpServer(t *testing.T, s *server, timeout time.Duration) *gb28181.Server {
	t.Helper()
	g, err := gb28181.NewServer(s.media, gb28181.Config{
		PortRange: [2]int{44002, 45998}, LocalIP: netip.MustParseAddr("127.0.0.1"), Timeout: timeout,
	})
	require.NoError(t, err)
	return g
}

// silence is how long nothing comes until a stream has ended, on a machine that may be busy.
const silence = 10 * time.Second

// rtpReaders read by several protocols what came by RTP.
func rtpReaders(codec string) []reader {
	readers := []reader{
		gstRTSP("GStreamer RTSP", "tcp", codec),
		copier("ffmpeg TS", "out.ts", (*server).tsURL, "ffmpeg"),
		copier("ffmpeg fMP4", "out.mp4", (*server).fmp4URL, "ffmpeg"),
		copier("ffmpeg HLS TS", "out.ts", (*server).hlsURL, "ffmpeg"),
	}
	if codec == "h265" { // Debian's ffmpeg knows no H.265 in FLV
		return readers
	}
	return append(readers,
		rtspCopier("ffmpeg RTSP", "tcp"),
		copier("ffmpeg RTMP", "out.flv", (*server).rtmpURL, "ffmpeg"),
		copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
	)
}

// What one server sends by RTP another receives: the same pictures and sound, by each way and in each form.
func TestRTP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		codec   string
		payload gb28181.Payload
		mode    gb28181.Mode
		udp     bool
	}{
		{"h264", gb28181.PayloadPS, gb28181.UDP, true},
		{"h264", gb28181.PayloadTS, gb28181.TCPPassive, false},
		{"h265", gb28181.PayloadPS, gb28181.TCPActive, false},
		{"h265", gb28181.PayloadTS, gb28181.UDP, true},
	} {
		t.Run(fmt.Sprintf("%s as %v by %v UDP %v", c.codec, c.payload, c.mode, c.udp), func(t *testing.T) {
			t.Parallel()
			source := getClip(t, c.codec, 3)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			from, to := serve(t, endsAtOnce(), nil), serve(t, media.Config{}, nil)
			sends, receives := rtpServer(t, from, 0), rtpServer(t, to, silence)
			port, err := receives.Open(ctx, gb28181.Request{Stream: testKey(), Mode: c.mode})
			require.NoError(t, err)
			published := make(chan error, 1)
			if c.codec == "h264" {
				p := background(ctx, t, ffmpegPublish(source.file, from.rtmpURL())...)
				from.awaitFrom(ctx, t, p)
				go func() { published <- p.wait() }()
			} else {
				events := readTS(t, source.file)
				go func() { published <- publishH265(ctx, from.rtmpURL(), events, false) }()
				from.await(ctx, t)
			}
			send := gb28181.SendRequest{Stream: testKey(), SSRC: 7, Host: "127.0.0.1", Port: port.Number, UDP: c.udp, Payload: c.payload}
			if c.mode == gb28181.TCPActive {
				send.Mode, send.ConnectTimeout = gb28181.Listen, time.Minute
			}
			at, err := sends.Send(ctx, send)
			require.NoError(t, err)
			if c.mode == gb28181.TCPActive {
				require.NoError(t, receives.Connect(ctx, testKey(), "127.0.0.1", at))
			}
			to.await(ctx, t)
			results := readAll(ctx, t, to, rtpReaders(c.codec))
			t.Run("publisher", func(t *testing.T) { require.NoError(t, <-published) })
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) { r.check(ctx, t, source) })
			}
		})
	}
}

// What ffmpeg sends by RTP without a session is received: MPEG-TS, and H.264 alone.
func TestRTPFromFFmpeg(t *testing.T) {
	t.Parallel()
	for name, form := range map[string][]string{
		"MPEG-TS": {"-f", "rtp_mpegts"},
		"H.264":   {"-an", "-payload_type", "98", "-f", "rtp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := getClip(t, "h264", 3)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			to := serve(t, media.Config{}, nil)
			port, err := rtpServer(t, to, silence).Open(ctx, gb28181.Request{Stream: testKey()})
			require.NoError(t, err)
			args := []string{"ffmpeg", "-v", "error", "-re", "-i", source.file, "-c", "copy", "-bsf:v", "h264_mp4toannexb,dump_extra"}
			url := fmt.Sprintf("rtp://127.0.0.1:%d?pkt_size=1316", port.Number)
			p := background(ctx, t, append(append(args, form...), url)...)
			to.awaitFrom(ctx, t, p)
			results := readAll(ctx, t, to, rtpReaders("h264")[1:]) // GStreamer's wants sound
			t.Run("publisher", func(t *testing.T) { require.NoError(t, p.wait()) })
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) { r.checkPictures(ctx, t, source) })
			}
		})
	}
}

// checkPictures is check of pictures only.
func (r *result) checkPictures(ctx context.Context, t *testing.T, source *clip) {
	t.Helper()
	require.NoError(t, r.err)
	r.checkTimes(ctx, t, source)
	got, err := pictures(ctx, r.path)
	require.NoError(t, err)
	_, to := r.requireRun(t, source.pictures, got)
	require.Equal(t, len(source.pictures), to, "the last pictures are missing")
}

// What is sent by RTP ffmpeg receives, told by a session description what comes: MPEG-TS, and H.264 alone.
func TestRTPToFFmpeg(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		payload gb28181.Payload
		media   string // of the description
	}{
		"MPEG-TS": {gb28181.PayloadTS, "m=video %d RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\n"},
		"H.264":   {gb28181.PayloadES, "m=video %d RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := getClip(t, "h264", 3)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			from := serve(t, endsAtOnce(), nil)
			port := freeUDP(t)
			dir := publicFolder(t)
			description := filepath.Join(dir, "in.sdp")
			require.NoError(t, os.WriteFile(description, []byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
				fmt.Sprintf(c.media, port)), 0o600))
			r := &result{reader: reader{client: "ffmpeg"}, path: filepath.Join(dir, "out.nut")}
			reads := background(ctx, t, "ffmpeg", "-v", "error", "-y", "-protocol_whitelist", "file,rtp,udp",
				"-i", description, "-an", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-c:v", "rawvideo", r.path)
			require.Eventually(t, func() bool { return takenUDP(port) }, patience, 10*time.Millisecond, "ffmpeg does not listen")
			p := background(ctx, t, ffmpegPublish(source.file, from.rtmpURL())...)
			from.awaitFrom(ctx, t, p)
			payloadType := uint8(96)
			if c.payload == gb28181.PayloadTS {
				payloadType = 33
			}
			_, err := rtpServer(t, from, 0).Send(ctx, gb28181.SendRequest{
				Stream: testKey(), SSRC: 7, Host: "127.0.0.1", Port: port, UDP: true, Payload: c.payload, PayloadType: &payloadType,
			})
			require.NoError(t, err)
			require.NoError(t, p.wait())
			time.Sleep(2 * time.Second)                  // for what is on its way
			_ = reads.cmd.Process.Signal(syscall.SIGINT) // it may have ended
			_ = reads.wait()
			got, err := pictures(ctx, r.path)
			require.NoError(t, err)
			r.requireRun(t, source.pictures, got)
		})
	}
}

// freeUDP returns an even port of UDP that nobody has, nor the next.
func freeUDP(t *testing.T) int {
	t.Helper()
	for range 100 {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		port := conn.LocalAddr().(*net.UDPAddr).Port
		conn.Close()
		if port%2 == 0 && !takenUDP(port+1) {
			return port
		}
	}
	t.Fatal("no even port is free")
	return 0
}

// takenUDP reports whether somebody has a port of UDP.
func takenUDP(port int) bool {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:"+strconv.Itoa(port))
	if err == nil {
		conn.Close()
	}
	return err != nil
}
