package media_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func TestKeyFrameIsAskedForOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		var asked atomic.Int32
		pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: key, KeyFrame: func() {
			if asked.Add(1) == 2 {
				panic("a user's code")
			}
		}})
		require.NoError(t, err)
		require.NoError(t, pub.SetTracks(video))
		for range 25 {
			pub.Stream().RequestKeyFrame()
			time.Sleep(100 * ms)
		}
		synctest.Wait()
		require.EqualValues(t, 3, asked.Load())
		pub.Close(nil)
		time.Sleep(time.Hour)
		require.False(t, pub.Stream().RequestKeyFrame())
	})
	t.Run("of one who cannot be asked", func(t *testing.T) {
		pub := publish(t, newServer(t, media.Config{}), video)
		require.False(t, pub.Stream().RequestKeyFrame())
	})
}
