package media_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// Whoever comes while the server closes is refused or ended, and nobody is left on its list.
func TestComingWhileTheServerCloses(t *testing.T) {
	for range 20 {
		s := newServer(t, media.Config{PlayWait: time.Hour})
		publish(t, s, video)
		begun := make(chan struct{}, 8)
		var wg sync.WaitGroup
		come := func(one func(x *media.Session) error) {
			wg.Go(func() {
				for i := 0; ; i++ {
					x := s.NewSession(hook.Session{}, nil)
					err := one(x)
					x.Close()
					if i == 0 {
						begun <- struct{}{}
					}
					if errors.Is(err, media.ErrServerClosed) {
						return
					}
				}
			})
		}
		for range 2 {
			come(func(x *media.Session) error {
				p, err := s.Play(context.Background(), media.PlayRequest{Stream: key, Session: x})
				if err == nil {
					p.Close(nil)
				}
				return err
			})
			come(func(*media.Session) error { // stays, until it is ended from inside
				_, err := s.Play(context.Background(), media.PlayRequest{Stream: key})
				return err
			})
			come(func(x *media.Session) error {
				p, err := s.Publish(context.Background(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: x.Info().ID}})
				if err == nil && p.SetTracks(video) == nil {
					p.Close(io.ErrUnexpectedEOF)
				}
				return err
			})
			come(func(x *media.Session) error { return x.Err() })
		}
		for range 8 {
			soon(t, begun)
		}
		require.NoError(t, s.Close())
		wg.Wait()
		// Close waits for no stream, as one may be stuck in the host's code; players that stay end with theirs.
		require.Eventually(t, func() bool {
			return len(slices.Collect(s.Streams()))+len(slices.Collect(s.Sessions())) == 0
		}, time.Minute, time.Millisecond)
	}
}

type nothing struct{}

func (nothing) Close() error { return nil }

// Who waits for what is shared to be opened is let go when the stream ends, whatever open does.
func TestShareEndsWithTheStream(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	opening, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	ended := make(chan error, 1)
	go func() {
		_, _, err := media.Share(context.Background(), pub.Stream(), "key", 0, func(context.Context) (nothing, error) {
			close(opening)
			<-release
			return nothing{}, nil
		})
		ended <- err
	}()
	soon(t, opening)
	pub.Close(nil)
	require.ErrorIs(t, soon(t, ended), media.ErrStreamNotFound)
}
