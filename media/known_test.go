package media_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// logFunc is told of each line of the log, by whoever writes it.
type logFunc func(message string)

func (f logFunc) Enabled(context.Context, slog.Level) bool { return true }
func (f logFunc) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f logFunc) WithGroup(string) slog.Handler            { return f }

func (f logFunc) Handle(_ context.Context, r slog.Record) error {
	f(r.Message)
	return nil
}

// Whoever has waited for the tracks of a stream finds it: they are not told before it is in the table.
func TestTracksOfAStreamThatCanBeFound(t *testing.T) {
	var (
		s    *media.Server
		st   *media.Stream
		seen []string
	)
	look := func(message string) {
		if st == nil {
			return
		}
		seen = append(seen, message)
		now, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := st.Tracks(now); err == nil {
			_, found := s.Stream(st.Key())
			require.True(t, found, "at %q", message)
		}
	}
	s = newServer(t, media.Config{Logger: slog.New(logFunc(look)), Options: hook.StreamOptions{EnableAudio: new(false)}})
	pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Schema: "rtmp"})
	require.NoError(t, err)
	st = pub.Stream()
	audio := &media.Track{ID: 2, Codec: media.Opus, ClockRate: 48000, Channels: 2}
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}, audio))
	require.Equal(t, []string{"tracks left out, as the stream's options say", "stream registered"}, seen)
	_, err = st.Tracks(t.Context())
	require.NoError(t, err)
	st = nil
	pub.Close(nil)
}
