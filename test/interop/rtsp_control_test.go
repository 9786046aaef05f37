package interop

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// seen reads so many pictures of a stream, whose stamps grow without a jump.
type seen struct {
	t      *testing.T
	reader *media.Reader[*media.Packet]
	last   *media.Packet
}

func (s *seen) pictures(ctx context.Context, n int) (list [][]byte) {
	s.t.Helper()
	for len(list) < n {
		var one [1]*media.Packet
		_, err := s.reader.ReadBatch(ctx, one[:])
		require.NoError(s.t, err)
		p := one[0]
		if !p.Track.Codec.Video() {
			continue
		}
		if s.last != nil {
			require.Greater(s.t, p.DTS, s.last.DTS)
			require.Less(s.t, p.DTS-s.last.DTS, 3*time.Second) // a server may be late on a busy machine, but a pause is longer
		}
		s.last = p
		list = append(list, p.Data)
	}
	return list
}

// after skips pictures up to one.
func (s *seen) after(ctx context.Context, picture []byte) {
	s.t.Helper()
	for !bytes.Equal(s.pictures(ctx, 1)[0], picture) {
	}
}

// A server of GStreamer's is sought, paused for longer than media may be missing, and goes on where it was.
func TestRTSPControl(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 0)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server := serve(t, endsAtOnce(), nil)
	control := new(rtsp.Control)
	pulled := pullFromGst(ctx, t, server, source.file, gstServer{}, rtsp.ClientConfig{Transport: rtsp.TCP, IdleTimeout: 3 * time.Second, Control: control})
	st, ok := server.media.Stream(testKey())
	require.True(t, ok)
	s := &seen{t: t, reader: st.Read()}
	defer s.reader.Close()
	film := s.pictures(ctx, 3*pictureRate)

	require.NoError(t, control.Seek(ctx, 0))
	s.after(ctx, film[0])
	require.Equal(t, film[1:pictureRate], s.pictures(ctx, pictureRate-1))

	require.NoError(t, control.Pause(ctx))
	time.Sleep(5 * time.Second)
	require.Empty(t, pulled)
	require.NoError(t, control.SetSpeed(ctx, 1))
	require.Equal(t, film[pictureRate:], s.pictures(ctx, 2*pictureRate))
	cancel()
	require.ErrorIs(t, <-pulled, context.Canceled)
}
