package ingest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// Another place comes right behind the one before, also where the stream keeps the stamps of its source: whichever of the two is later. Pictures
// that refer to what did not come are left out, but none if the source has stayed where it was.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		pub, err := m.Publish(t.Context(), media.PublishRequest{
			Stream: media.StreamKey{App: "a", Name: "b"}, Options: hook.StreamOptions{ModifyStamp: new(0)},
		})
		require.NoError(t, err)
		desc, err := sdp.Parse([]byte("v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"))
		require.NoError(t, err)
		in := New(pub, desc, Options{Log: m.Logger()})
		defer in.Close()
		require.NoError(t, in.Begin())
		cam := newCamera(t, in, false)
		cam.sets()
		r := pub.Stream().Read()
		defer r.Close()
		at := -picture // stamp of the newest picture
		plays := func(from, n int) {
			t.Helper()
			got := make([]*media.Packet, 64)
			for i := range n {
				cam.send(0, from+i)
				time.Sleep(picture)
			}
			synctest.Wait()
			require.Equal(t, n, pending(t, r, got))
			for i, p := range got[:n] {
				require.Equal(t, time.Duration(from+i)*picture, timeOf(p))
				require.InDelta(t, at+picture, p.PTS, float64(time.Millisecond))
				at = p.PTS
			}
		}
		plays(0, 10)
		for _, from := range []int{9000, 100} {
			in.Restart(1, true)
			cam.send(0, from-1) // no key frame: it is left out
			cam.keyed = false
			plays(from, 10)
		}
		in.Restart(1, true)
		in.GoOn()
		cam.report(0)
		plays(110, 10)
	})
}
