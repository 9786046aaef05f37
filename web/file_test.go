package web

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// nowhere takes chunks.
type nowhere struct{}

func (nowhere) Tail(n int) []byte { return make([]byte, 0, n) }
func (nowhere) Write(media.Chunk) {}

// A file has one header. It may still be another one as long as nobody can have it.
func TestAFileHasOneHeader(t *testing.T) {
	track := func(width int) *media.Track { return &media.Track{ID: 1, Codec: media.VP8, Width: width, Height: 64} }
	m := newFMP4().reply.NewChunker()
	header := func(width int) error {
		d := &media.Description{Tracks: []*media.Track{track(width)}}
		b, err := m.AppendHeader([]byte("x"), d)
		require.Equal(t, "x", string(b[:1]))
		require.Equal(t, err == nil, len(b) > 1)
		if err == nil {
			b, err := m.AppendChange(nil, d)
			require.NoError(t, err)
			require.Empty(t, b)
		}
		return err
	}
	write := func(start bool) {
		p := &media.Packet{Track: track(0), DTS: time.Second, PTS: time.Second, Data: []byte{1}}
		require.NoError(t, m.WritePacket(nowhere{}, p, start))
	}
	require.NoError(t, header(64))
	write(false)
	require.NoError(t, header(128))
	write(true)
	write(false)
	require.NoError(t, header(128))
	require.Equal(t, io.EOF, header(64))
}
