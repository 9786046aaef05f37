package media_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// shelf counts what is opened and closed.
type shelf struct{ opened, closed atomic.Int32 }

func (s *shelf) counts() [2]int32 { return [2]int32{s.opened.Load(), s.closed.Load()} }

func (s *shelf) Close() error {
	s.closed.Add(1)
	return nil
}

func (s *shelf) open(context.Context) (*shelf, error) {
	time.Sleep(time.Second)
	s.opened.Add(1)
	return s, nil
}

type shelfKey struct{}

func TestShareOpensOnceAndLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		pub := publish(t, m, video)
		s := &shelf{}
		releases := make(chan func(), 10)
		for range 10 {
			go func() {
				v, release, err := media.Share(t.Context(), pub.Stream(), shelfKey{}, time.Minute, s.open)
				require.NoError(t, err)
				require.Same(t, s, v)
				releases <- release
			}()
		}
		for range 10 {
			release := <-releases
			release()
			release() // does nothing
		}
		require.Equal(t, [2]int32{1, 0}, s.counts())
		time.Sleep(59 * time.Second)
		_, release, err := media.Share(t.Context(), pub.Stream(), shelfKey{}, time.Minute, s.open)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.Equal(t, [2]int32{1, 0}, s.counts(), "it lingers, and stays while it is used")
		release()
		time.Sleep(time.Minute + time.Second)
		require.Equal(t, [2]int32{1, 1}, s.counts())

		_, release, err = media.Share(t.Context(), pub.Stream(), shelfKey{}, time.Minute, s.open)
		require.NoError(t, err)
		pub.Close(nil)
		synctest.Wait()
		require.Equal(t, [2]int32{2, 2}, s.counts(), "it ends with the stream, used or not")
		release()
		_, _, err = media.Share(t.Context(), pub.Stream(), shelfKey{}, time.Minute, s.open)
		require.ErrorIs(t, err, media.ErrStreamNotFound)
		time.Sleep(time.Hour)
		require.Equal(t, [2]int32{2, 2}, s.counts())
	})
}

func TestShareFailsForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		pub := publish(t, m, video)
		boom, calls := errors.New("boom"), atomic.Int32{}
		fail := func(context.Context) (*shelf, error) {
			n := calls.Add(1)
			time.Sleep(time.Second)
			if n == 2 {
				panic("a user's code")
			}
			return nil, boom
		}
		errs := make(chan error, 3)
		for range 3 {
			go func() {
				_, _, err := media.Share(t.Context(), pub.Stream(), 1, 0, fail)
				errs <- err
			}()
		}
		for range 3 {
			require.ErrorIs(t, <-errs, boom)
		}
		require.EqualValues(t, 1, calls.Load())
		_, _, err = media.Share(t.Context(), pub.Stream(), 1, 0, fail)
		require.ErrorContains(t, err, "panicked")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _, err = media.Share(ctx, pub.Stream(), 1, 0, (&shelf{}).open)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
