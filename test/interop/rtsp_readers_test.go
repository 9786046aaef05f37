package interop

import (
	"context"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rtspReaders read by RTSP whatever the codec of the pictures, which is h264 or h265.
func rtspReaders(codec string) []reader {
	return []reader{
		rtspCopier("ffmpeg RTSP TCP", "tcp"),
		mayLose(rtspCopier("ffmpeg RTSP UDP", "udp")),
		rtspCopier("ffmpeg RTSP HTTP tunnel", "http"),
		gstRTSP("GStreamer RTSP TCP", "tcp", codec),
		mayLose(gstRTSP("GStreamer RTSP UDP", "udp", codec)),
	}
}

// crossReaders read by RTSP, and by the protocols that the stream has to be converted for.
func crossReaders(codec string) []reader {
	readers := append(rtspReaders(codec), containerReaders()...)
	if codec == "h265" { // Debian's ffmpeg knows no H.265 in FLV
		return readers
	}
	return append(readers,
		copier("ffmpeg RTMP", "out.flv", (*server).rtmpURL, "ffmpeg"),
		copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
	)
}

// udpSpoils is how many of the last pictures may be missing by UDP: the end of the stream, which is told by RTCP or
// by TCP, is not ordered with the packets of the last pictures, and clients drop what they still hold back then.
const udpSpoils = 10

func mayLose(r reader) reader {
	r.spoils = udpSpoils
	return r
}

// checkMost checks what was read, as check does, and that no more of the end is missing than may be.
func (r *result) checkMost(ctx context.Context, t *testing.T, source *clip) {
	t.Helper()
	r.check(ctx, t, source)
	require.GreaterOrEqual(t, r.end, len(source.pictures)-r.spoils, "it ended too early")
}

// rtspCopier is an ffmpeg that reads RTSP.
func rtspCopier(name, transport string) reader {
	return program(name, "out.nut", func(s *server, path string) []string {
		return rtspCopy(s.rtspURL(), transport, path)
	})
}

// rtspCopy decodes the pictures: undecoded no container would take them, since ffmpeg gives the first packet of RTP
// no time when a key frame comes in more than four, and none a DTS before it has seen the reordering. Times are not rounded
// to the frame rate, by which one that follows the publisher's clock jumps now and then. The receive buffer is made larger
// than a key frame's burst.
func rtspCopy(url, transport, path string) []string {
	return []string{
		"ffmpeg", "-v", "error", "-y", "-rtsp_transport", transport, "-buffer_size", "4000000", "-i", url,
		"-fps_mode", "passthrough", "-enc_time_base", "-1", "-c:v", "rawvideo", "-c:a", "copy", path,
	}
}

// gstRTSP is a GStreamer that reads RTSP. The timestamper works out DTS, which RTP does not carry.
func gstRTSP(name, protocol, codec string) reader {
	args := func(s *server, path string) []string {
		return deepQueues(append(gstRTSPSource(s.rtspURL(), protocol),
			"mpegtsmux", "name=m", "!", "filesink", "location="+path,
			"s.", "!", "rtp"+codec+"depay", "!", codec+"parse", "!", "video/x-"+codec+",alignment=au",
			"!", codec+"timestamper", "!", codec+"parse", "!", "queue", "!", "m.",
			"s.", "!", "rtpmp4gdepay", "!", "aacparse", "!", "queue", "!", "m."))
	}
	r := program(name, "out.ts", args)
	live := r.read
	r.read = func(ctx context.Context, s *server, path string) error {
		if !strings.Contains(s.at(), "/record/") {
			return live(ctx, s, path)
		}
		return readToTheEnd(ctx, args(s, path))
	}
	return r
}

// npt is what GStreamer's jitter buffer says when it takes a recording to be over, with the seconds since it began.
var npt = regexp.MustCompile(`(?m)^0:00:(\d\d)\.\d+ .* got the NPT timeout`)

// readToTheEnd reads a recording of 15 s. From the first packets, as late as they come to it, GStreamer works out when that ends, ends it
// then, and may wait for ever: on a busy machine long before its time. It says so, and reads it again then.
func readToTheEnd(ctx context.Context, args []string) error {
	args = append([]string{args[0], "--gst-debug=rtpjitterbuffer:4", "--gst-debug-no-color"}, args[1:]...)
	for tries := 1; ; tries++ {
		once, cancel := context.WithTimeout(ctx, patience/5)
		out, err := run(once, args...)
		cancel()
		over := npt.FindStringSubmatch(out)
		if over == nil || over[1] >= "10" || tries == 4 {
			return err
		}
	}
}

func gstRTSPSource(url, protocol string) []string {
	return []string{"gst-launch-1.0", "-q", "rtspsrc", "name=s", "protocols=" + protocol, "buffer-mode=none", "location=" + url}
}

// rtspPublish is an ffmpeg that publishes a file by RTSP.
func rtspPublish(transport string) func(file, url string) []string {
	return func(file, url string) []string {
		return []string{"ffmpeg", "-v", "error", "-re", "-i", file, "-c", "copy", "-f", "rtsp", "-rtsp_transport", transport, url}
	}
}

// gstRTSPPublish publishes H.264 in FLV by RTSP.
func gstRTSPPublish(file, url string) []string {
	return []string{
		"gst-launch-1.0", "-q", "filesrc", "location=" + file, "!", "flvdemux", "name=d",
		"rtspclientsink", "name=s", "protocols=tcp", "location=" + url,
		"d.video", "!", "queue", "!", "h264parse", "!", "identity", "sync=true", "!", "s.",
		"d.audio", "!", "queue", "!", "aacparse", "!", "identity", "sync=true", "!", "s.",
	}
}

// needRTSPClientSink skips a test that needs GStreamer's publisher, which is in a package of its own.
func needRTSPClientSink(ctx context.Context, t *testing.T) {
	t.Helper()
	need(t, "gst-inspect-1.0")
	if _, err := run(ctx, "gst-inspect-1.0", "rtspclientsink"); err != nil {
		missing(t, "GStreamer has no rtspclientsink: apt-get install gstreamer1.0-rtsp, or scripts/clients.sh")
	}
}

// maxStill is how long a publisher may send no media before it is told to go.
const maxStill = 10 * time.Second

// endStill interrupts a publisher whose stream stands still. At the end of its file GStreamer's sometimes waits for
// itself: all its threads sleep, and no answer is outstanding.
func (s *server) endStill(p *process) {
	last, since := uint64(0), time.Now()
	for {
		select {
		case <-p.ended:
			return
		case <-time.After(maxStill / 20):
		}
		st, ok := s.media.Stream(testKey())
		if !ok {
			continue
		}
		if n := st.Stats().Bytes; n != last {
			last, since = n, time.Now()
		} else if time.Since(since) > maxStill {
			_ = p.cmd.Process.Signal(syscall.SIGINT) // it may have ended
			return
		}
	}
}

// isGstRTSP says whether a command needs GStreamer's publisher.
func isGstRTSP(args []string) bool {
	return strings.Contains(strings.Join(args, " "), "rtspclientsink")
}
