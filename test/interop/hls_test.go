package interop

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// hlsReaders are those of HLS, in MPEG-TS and in fragmented MP4.
func hlsReaders() []reader {
	return append(ffmpegHLS(),
		curlHLS("curl HLS TS", "out.ts", (*server).hlsURL),
		curlHLS("curl HLS fMP4", "out.mp4", (*server).hls4URL),
		gstHLS("GStreamer HLS TS", "tsdemux", (*server).hlsURL),
		gstHLS("GStreamer HLS fMP4", "qtdemux", (*server).hls4URL),
		vlc("VLC HLS TS", (*server).hlsURL),
		vlc("VLC HLS fMP4", (*server).hls4URL),
	)
}

func ffmpegHLS() []reader {
	return []reader{
		copier("ffmpeg HLS TS", "out.ts", (*server).hlsURL, "ffmpeg"),
		copier("ffmpeg HLS fMP4", "out.mp4", (*server).hls4URL, "ffmpeg"),
	}
}

// gstHLS is a GStreamer that reads H.264 by HLS. Version 1.22 leaves off what a playlist brings along with its end: of a file
// server it has as little.
func gstHLS(name, demuxer string, url func(*server) string) reader {
	return mayLose(gstContainer(name, url, "hlsdemux", demuxer))
}

// gstContainer is a GStreamer that reads H.264 in a container.
func gstContainer(name string, url func(*server) string, demuxers ...string) reader {
	return program(name, "out.ts", func(s *server, path string) []string {
		args := []string{"gst-launch-1.0", "-q", "souphttpsrc", "is-live=true", "location=" + url(s)}
		for _, d := range demuxers {
			args = append(args, "!", d)
		}
		return deepQueues(append(args, "name=d", "mpegtsmux", "name=m", "!", "filesink", "location="+path,
			"d.", "!", "queue", "!", "h264parse", "!", "m.", "d.", "!", "queue", "!", "aacparse", "!", "m."))
	})
}

// curlHLS is a curl that gets a playlist again and again and what is new in it, as a viewer with a cookie. The segments are one
// file, in front of which is the initialization segment if there is one.
func curlHLS(name, file string, playlist func(*server) string) reader {
	return reader{name: name, client: "curl", file: file, read: func(ctx context.Context, s *server, path string) error {
		base, err := url.Parse(playlist(s))
		if err != nil {
			return err
		}
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		jar := filepath.Join(filepath.Dir(path), "cookies")
		seen := map[string]bool{}
		for ended := false; !ended && err == nil; {
			var text string
			text, err = stdout(ctx, "curl", "-sSf", "-b", jar, "-c", jar, base.String())
			ended = strings.Contains(text, "#EXT-X-ENDLIST")
			for _, uri := range urisOf(text) {
				if err != nil || seen[uri] {
					continue
				}
				seen[uri] = true
				var data string
				data, err = stdout(ctx, "curl", "-sSf", "-b", jar, base.JoinPath("..", uri).String())
				if err == nil {
					_, err = out.WriteString(data)
				}
			}
			select {
			case <-ctx.Done():
				err = ctx.Err()
			case <-time.After(500 * time.Millisecond):
			}
		}
		return errors.Join(err, out.Close())
	}}
}

// urisOf returns the URIs of the segments of a playlist, and in front of them that of an initialization segment.
func urisOf(text string) (list []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, `#EXT-X-MAP:URI="`); ok {
			list = append(list, strings.TrimSuffix(rest, `"`))
		} else if line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	return list
}
