package media_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// stuckMuxer holds its stream up.
type stuckMuxer struct {
	wireMuxer
	at, release chan struct{}
}

func (m stuckMuxer) AppendPacket(dst []byte, _ *media.Packet) ([]byte, error) {
	m.at <- struct{}{}
	<-m.release
	return dst, nil
}

// A stream that hangs, with whatever is asked of it, holds nobody up who has to do with others.
func TestStuckStreamHoldsNobodyUp(t *testing.T) {
	var changes events
	s := newServer(t, media.Config{Hooks: []hook.Hook{&changes}})
	m := stuckMuxer{at: make(chan struct{}, 16), release: make(chan struct{})}
	stuck := &media.Format{Name: "stuck", New: func() media.Muxer { return m }}
	pub := publish(t, s, video)
	r := pub.Stream().ReadFormat(stuck)
	go func() { _ = pub.WritePacket(frame(video, 0, true)) }()
	soon(t, m.at)
	silent, err := s.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "silent"}})
	require.NoError(t, err)

	waits := make(chan error, 8)
	for _, touch := range []func() error{
		func() error { pub.Close(nil); return nil },
		func() error { _, err := s.Publish(context.Background(), media.PublishRequest{Stream: key}); return err },
		func() error {
			p, err := s.Play(context.Background(), media.PlayRequest{Stream: key})
			if err == nil {
				p.Close(nil)
			}
			return err
		},
		func() error { return silent.SetTracks(video) },
	} {
		go func() { waits <- touch() }()
	}
	require.NoError(t, soon(t, waits), "the silent publisher's")

	free := make(chan error, 1)
	go func() {
		other := media.StreamKey{App: "live", Name: "other"}
		p, err := s.Publish(context.Background(), media.PublishRequest{Stream: other})
		if err == nil {
			err = p.SetTracks(video)
		}
		if err == nil {
			_, err = s.Play(context.Background(), media.PlayRequest{Stream: other})
		}
		if err == nil {
			p.Close(nil)
		}
		free <- err
	}()
	require.NoError(t, soon(t, free))
	require.NotNil(t, changes.wait(t, 4))
	stop := s.Tap(func(media.StreamKey) bool { <-m.release; return true }, media.TapFunc(func(context.Context, *media.Stream) error { return nil }))
	s.NewSession(hook.Session{}, nil).Close()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	go func() { free <- s.Shutdown(ctx) }()
	require.ErrorIs(t, soon(t, free), context.Canceled, "the end of the server does not wait for it for ever")
	close(m.release)
	for range 3 {
		soon(t, waits)
	}
	stop()
	r.Close()
}
