package interop

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reader is a client that reads a stream to its end and leaves a file.
type reader struct {
	name   string
	client string // its program; "" is a client of this package
	file   string // its name: the suffix says what is in it
	spoils int    // how many of the last pictures it loses, though it got them
	read   func(ctx context.Context, s *server, path string) error
}

// program is a reader that is a program.
func program(name, file string, args func(s *server, path string) []string) reader {
	return reader{name: name, client: args(&server{}, "")[0], file: file, read: func(ctx context.Context, s *server, path string) error {
		_, err := run(ctx, args(s, path)...)
		return err
	}}
}

// dumpers are those that keep the bytes of the stream whatever the codec.
func dumpers() []reader {
	return []reader{
		program("rtmpdump", "out.flv", func(s *server, path string) []string {
			return []string{"rtmpdump", "-v", "-r", s.rtmpURL(), "-o", path}
		}),
		program("curl", "out.flv", func(s *server, path string) []string {
			return []string{"curl", "-sSf", "-o", path, s.httpURL()}
		}),
		{name: "WebSocket", file: "out.flv", read: func(ctx context.Context, s *server, path string) error {
			return dumpWebSocket(ctx, s.wsURL(), path)
		}},
	}
}

// dumpersOf are those that keep the bytes of a container.
func dumpersOf(name, file string, url func(*server) string) []reader {
	return []reader{
		program("curl "+name, file, func(s *server, path string) []string { return []string{"curl", "-sSf", "-o", path, url(s)} }),
		{name: "WebSocket " + name, file: file, read: func(ctx context.Context, s *server, path string) error {
			return dumpWebSocket(ctx, strings.Replace(url(s), "http:", "ws:", 1), path)
		}},
		copier("ffmpeg "+name, file, url, "ffmpeg"),
	}
}

// containerReaders are those of MPEG-TS and fragmented MP4, which carry H.265 as every program knows it.
func containerReaders() []reader {
	return append(
		append(dumpersOf("TS", "out.ts", (*server).tsURL), dumpersOf("fMP4", "out.mp4", (*server).fmp4URL)...),
		vlc("VLC TS", (*server).tsURL),
	)
}

// h264Readers are all of them but ffmpeg 7.
func h264Readers() []reader {
	return append(append(dumpers(), containerReaders()...),
		copier("ffmpeg RTMP", "out.flv", (*server).rtmpURL, "ffmpeg"),
		copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
		gst("GStreamer RTMP", func(s *server) []string { return []string{"rtmp2src", "location=" + s.rtmpURL()} }),
		gst("GStreamer HTTP", func(s *server) []string {
			return []string{"souphttpsrc", "is-live=true", "location=" + s.httpURL()}
		}),
		vlc("VLC RTMP", (*server).rtmpURL),
		vlc("VLC HTTP", (*server).httpURL),
	)
}

// h265Readers are those that know H.265 in Enhanced RTMP, which Debian's ffmpeg, GStreamer and VLC do not.
func h265Readers(t *testing.T) []reader {
	t.Helper()
	ffmpeg7 := newer(t, "ffmpeg")
	return append(dumpers(),
		copier("ffmpeg 7 RTMP", "out.ts", (*server).rtmpURL, ffmpeg7...),
		copier("ffmpeg 7 HTTP", "out.ts", (*server).httpURL, ffmpeg7...),
		copier("ffmpeg TS", "out.ts", (*server).tsURL, "ffmpeg"),
		copier("ffmpeg HLS TS", "out.ts", (*server).hlsURL, "ffmpeg"),
		copier("ffmpeg HLS fMP4", "out.mp4", (*server).hls4URL, "ffmpeg"),
	)
}

// copier is an ffmpeg that writes what it reads to a file.
func copier(name, file string, url func(*server) string, ffmpeg ...string) reader {
	return program(name, file, func(s *server, path string) []string {
		args := append(ffmpeg[:len(ffmpeg):len(ffmpeg)], "-v", "error", "-y", "-i", url(s), "-c", "copy")
		if strings.HasSuffix(file, ".ts") {
			// A stamp for each frame: otherwise ffmpeg puts several into one, and whoever reads them guesses those of the
			// others, beyond the next where a publisher's are closer than its frames are long.
			args = append(args, "-pes_payload_size", "0")
		}
		return append(args, path)
	})
}

func gst(name string, source func(*server) []string) reader {
	return program(name, "out.ts", func(s *server, path string) []string {
		return deepQueues(append(append([]string{"gst-launch-1.0", "-q"}, source(s)...),
			"!", "flvdemux", "name=d", "mpegtsmux", "name=m", "!", "filesink", "location="+path,
			"d.video", "!", "queue", "!", "h264parse", "!", "m.", "d.audio", "!", "queue", "!", "aacparse", "!", "m."))
	})
}

// deepQueues lets the queues of a GStreamer hold all that comes. They hold a second otherwise: a muxer that waits for the sound
// fills the one of the pictures, and then nothing is read from the connection any more, on which the sound would come.
func deepQueues(args []string) (deep []string) {
	for _, a := range args {
		deep = append(deep, a)
		if a == "queue" {
			deep = append(deep, "max-size-time=0", "max-size-buffers=0", "max-size-bytes=0")
		}
	}
	return deep
}

// vlc writes the packets that it would hand to its decoders. When the stream ends it leaves off the last ones, and
// on a busy machine the first ones too. It refuses to run as root, so then it is nobody.
func vlc(name string, url func(*server) string) reader {
	return reader{name: name, client: "cvlc", file: "out.ts", spoils: 10, read: func(ctx context.Context, s *server, path string) error {
		args := []string{"cvlc", "-q", "--no-color", "--play-and-exit", "--sout", "#std{access=file,mux=ts,dst=" + path + "}", url(s)}
		if os.Geteuid() == 0 {
			args = append([]string{"runuser", "-u", "nobody", "--", "env", "HOME=" + filepath.Dir(path)}, args...)
		}
		_, err := run(ctx, args...)
		return err
	}}
}
