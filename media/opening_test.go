package media_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// stubborn is an opener, and its source, that stay where they are until they are let go, whatever their contexts say.
type stubborn struct {
	film
	release   chan struct{}
	in, where string
	seeking   chan struct{}
}

func (s *stubborn) stay(where string) {
	if where == s.where {
		s.in = where
		<-s.release
	}
}

func (s *stubborn) Open(context.Context, *media.OpenRequest) (media.Source, error) {
	s.stay("Open")
	return s, nil
}

func (s *stubborn) Tracks() []*media.Track {
	s.stay("Tracks")
	return s.film.Tracks()
}

func (s *stubborn) Duration() time.Duration {
	s.stay("Duration")
	return s.film.Duration()
}

func (s *stubborn) Seek(ctx context.Context, at time.Duration) (time.Duration, error) {
	close(s.seeking)
	s.stay("Seek")
	return s.film.Seek(ctx, at)
}

func newStubborn(where string) *stubborn {
	return &stubborn{film: film{pictures: 100}, where: where, release: make(chan struct{}), seeking: make(chan struct{})}
}

var errGone = errors.New("the peer is gone")

// An opener that ignores its context holds up no player longer than that, and what it returns later is closed.
func TestStubbornOpener(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(m *media.Server, x *media.Session, leave context.CancelCauseFunc)
		after time.Duration
		want  error
	}{
		"kick":     {func(_ *media.Server, x *media.Session, _ context.CancelCauseFunc) { x.Kick(media.ErrKicked) }, 0, media.ErrKicked},
		"leave":    {func(_ *media.Server, _ *media.Session, leave context.CancelCauseFunc) { leave(errGone) }, 0, errGone},
		"time-out": {func(*media.Server, *media.Session, context.CancelCauseFunc) {}, 7 * time.Second, media.ErrStreamNotFound},
		"close":    {func(m *media.Server, _ *media.Session, _ context.CancelCauseFunc) { _ = m.Close() }, 0, media.ErrServerClosed},
	} {
		for _, where := range []string{"Open", "Tracks", "Duration"} {
			t.Run(name+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, err := media.New(media.Config{PlayWait: time.Second, HookTimeout: 7 * time.Second})
					require.NoError(t, err)
					defer m.Close()
					src := newStubborn(where)
					m.Open(src)
					x := m.NewSession(hook.Session{}, nil)
					defer x.Close()
					ctx, leave := context.WithCancelCause(t.Context())
					played := make(chan error, 1)
					go func() {
						_, err := m.Play(ctx, media.PlayRequest{Stream: key, Schema: "test", Session: x})
						played <- err
					}()
					synctest.Wait()
					require.Equal(t, where, src.in)
					begun := time.Now()
					c.end(m, x, leave)
					require.ErrorIs(t, <-played, c.want)
					require.Equal(t, c.after, time.Since(begun))
					time.Sleep(time.Hour)
					require.Zero(t, src.closed.Load())
					close(src.release)
					synctest.Wait()
					require.EqualValues(t, 1, src.closed.Load())
				})
			})
		}
	}
}

// The orderly end of the server waits for an opener as long as its own context lasts, a hard one not at all.
func TestShutdownWithAStubbornOpener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		src := newStubborn("Open")
		m.Open(src)
		played := make(chan error, 1)
		go func() {
			_, err := m.Play(context.Background(), media.PlayRequest{Stream: key, Schema: "test"})
			played <- err
		}()
		synctest.Wait()
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.ErrorIs(t, m.Shutdown(ctx), context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begun))
		require.ErrorIs(t, <-played, media.ErrServerClosed)
		require.NoError(t, m.Close())
		require.Equal(t, 3*time.Second, time.Since(begun))
		close(src.release)
		require.NoError(t, m.Shutdown(context.Background()), "it has returned")
		require.EqualValues(t, 1, src.closed.Load())
	})
}

// A source that stays in Seek holds up nobody whose player is not wanted any more.
func TestSeekEndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		src := newStubborn("Seek")
		m.Open(src)
		x := m.NewSession(hook.Session{}, nil)
		defer x.Close()
		p, err := m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "test", Session: x})
		require.NoError(t, err)
		sought := make(chan error, 1)
		begun := time.Now()
		go func() {
			_, err := p.Seek(t.Context(), 0)
			sought <- err
		}()
		<-src.seeking
		x.Kick(media.ErrKicked)
		require.ErrorIs(t, <-sought, media.ErrStreamNotFound)
		require.Equal(t, begun, time.Now())
		p.Close(nil)
		close(src.release)
	})
}
