package cookbook

import (
	"context"
	"log/slog"

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
