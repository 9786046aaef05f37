package relay

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Whatever a host logs of these types, the passwords and tokens of their URLs are not in it.
func TestNoSecretIsLogged(t *testing.T) {
	const secret = "rtsp://user:canary@cam/a?token=canary"
	err := errors.New(`parse "rtsp://user:canary@cam:canary/a": refused`)
	key := media.StreamKey{App: "live", Name: "a"}
	var out bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		for _, v := range []slog.LogValuer{
			PullRequest{Stream: key, Key: secret, URL: secret, User: "canary", Password: "canary"},
			PushRequest{Stream: key, Key: secret, URL: secret},
			SnapshotRequest{URL: secret},
			FFmpegRequest{Key: secret, Source: secret, Destination: secret},
			FFmpegStatus{Key: secret, Source: secret, Destination: secret, Command: "ffmpeg -i " + secret},
			Status{Key: secret, Stream: key, URL: secret, Err: err},
		} {
			out.Reset()
			log.Info("relay", "what", v)
			require.Contains(t, out.String(), "rtsp://xxxxx@cam/a?token=xxxxx")
			require.NotContains(t, out.String(), "canary")
		}
	}
}
