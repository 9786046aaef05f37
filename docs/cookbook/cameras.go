package cookbook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

// pullCameras pulls cameras for ever, by their names: rtsp or rtmp URLs, with user and password if need be. It returns at once.
func pullCameras(ctx context.Context, m *media.Server, urls map[string]string) (*relay.Relay, error) {
	r, err := relay.New(m, relay.Config{})
	if err != nil {
		return nil, err
	}
	for name, url := range urls {
		go func() {
			err := r.Pull(ctx, relay.PullRequest{
				Stream: media.StreamKey{App: "camera", Name: name}, URL: url,
				Retry: relay.Retry{Force: true}, // also when it is away at first
			})
			if err != nil {
				slog.Warn("no such camera", "name", name, "err", err)
			}
		}()
	}
	return r, nil
}

// printPulls says what each pull is at: connecting, playing, failed or dropped, and why.
func printPulls(w io.Writer, r *relay.Relay) {
	for _, s := range r.Pulls() {
		fmt.Fprintf(w, "%s %v for %v, %d bytes/s, tried again %d times: %v\n", s.Key, s.State, s.Alive, s.BytesPerSecond, s.Retries, s.Err)
	}
}

// withPictures is a relay that knows the streams of its own server by their URLs, those with this host: the address of its RTMP or RTSP, or
// any name that no other server has. Their pictures are in memory, and ffmpeg makes a JPEG of them.
func withPictures(m *media.Server, host string) (*relay.Relay, error) {
	local := func(u *url.URL) (media.StreamKey, bool) {
		app, name, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		return media.StreamKey{App: app, Name: name}, ok && u.Host == host
	}
	return relay.New(m, relay.Config{FFmpeg: relay.FFmpegConfig{Local: local}})
}

// picture returns a JPEG of a URL, such as rtmp://HOST/live/NAME, that is ten seconds old at most.
func picture(ctx context.Context, r *relay.Relay, url string) ([]byte, error) {
	s, err := r.Snapshot(ctx, relay.SnapshotRequest{URL: url, Width: 320, MaxAge: 10 * time.Second})
	if err != nil {
		return nil, err
	}
	return s.Data, nil
}
