package media_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Who reads chunks is told where a description begins and where another publisher goes on.
func TestReadersAreToldOfChanges(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	writeVideo(t, pub, 0, 3)
	r := pub.Stream().ReadFormat(ahead)
	defer r.Close()
	type told struct {
		data            string
		change, resumed bool
	}
	next := func(n int) (list []told) {
		t.Helper()
		buf := make([]media.Chunk, 1)
		for range n {
			_, err := r.ReadBatch(t.Context(), buf)
			require.NoError(t, err)
			list = append(list, told{string(buf[0].Data), buf[0].Change, buf[0].Resumed})
		}
		return list
	}
	require.Equal(t, []told{{"@0+40", false, false}, {"@40+40", false, false}}, next(2))
	pub.Close(io.ErrUnexpectedEOF)
	require.Equal(t, []told{{"@80+0", false, false}}, next(1))
	other := &media.Track{ID: video.ID, Codec: video.Codec, Config: []byte{1, 2, 3}}
	pub = publish(t, s, other)
	for i := range 3 {
		require.NoError(t, pub.WritePacket(frame(other, time.Duration(i)*40*ms, i == 0)))
	}
	require.Equal(t, []told{{"C\x01\x02\x03", true, false}, {"@120+40", false, true}, {"@160+40", false, false}}, next(3))
	pub.Close(nil)
}
