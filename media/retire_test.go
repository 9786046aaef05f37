package media_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// firstOnly muxes nothing but what it was described first.
type firstOnly struct {
	wireMuxer
	first string
}

func (m *firstOnly) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	if m.first == "" {
		m.first = string(d.Tracks[0].Config)
	}
	if m.first != string(d.Tracks[0].Config) {
		return dst, io.EOF
	}
	return m.wireMuxer.AppendHeader(dst, d)
}

// A muxer that cannot go on ends those who read it, after what there is, and who comes then has a new one.
func TestMuxerThatCannotGoOn(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	format := &media.Format{Name: "first", New: func() media.Muxer { return &firstOnly{} }}
	writeVideo(t, pub, 0, 5)
	r := pub.Stream().ReadFormat(format)
	defer r.Close()
	again := *video
	again.Config = []byte("v2")
	require.NoError(t, pub.WritePacket(frame(&again, time.Second, true)))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	chunks := make([]media.Chunk, 8)
	n, err := r.ReadBatch(ctx, chunks)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	_, err = r.ReadBatch(ctx, chunks)
	require.ErrorIs(t, err, io.EOF)

	later := pub.Stream().ReadFormat(format)
	defer later.Close()
	n, err = later.ReadBatch(ctx, chunks)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "H\x01v2", string(chunks[0].Header))
}
