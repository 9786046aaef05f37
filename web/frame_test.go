package web

import (
	"net"
	"testing"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

// Whatever a client sends, reading it ends, and what is kept to answer it is bounded.
func FuzzClientFrame(f *testing.F) {
	f.Add([]byte{0x89, 0x85, 1, 2, 3, 4, 'h', 'e', 'l', 'l', 'o'})
	f.Add([]byte{0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 1})
	f.Add([]byte{0x88, 0x80, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		conn, other := net.Pipe()
		conn.Close()
		other.Close()
		s := &socket{session: &session{conn: conn, ahead: b}}
		for s.readFrame() == nil { // each takes some of b, and behind it the connection is closed
		}
		require.LessOrEqual(t, len(s.early), 2*maxClientFrame)
	})
}

// Frames say how long they are, in as few bytes as they may, and nothing is allocated for them.
func TestFrameLengths(t *testing.T) {
	track := &media.Track{ID: 1, Codec: media.H264}
	m := &frameMuxer{inner: flv.NewMuxer(flv.Encoder{})}
	for _, n := range []int{1, 105, 106, 65515, 65516, 200_000} {
		p := &media.Packet{Track: track, Data: make([]byte, n)}
		dst := make([]byte, 0, n+64)
		wire, err := m.AppendPacket(dst, p)
		require.NoError(t, err)
		head, err := ws.ReadHeader(&reader{wire})
		require.NoError(t, err)
		require.EqualValues(t, 11+5+n+4, head.Length)
		require.EqualValues(t, len(wire), ws.HeaderSize(head)+int(head.Length))
		require.Zero(t, testing.AllocsPerRun(10, func() { _, _ = m.AppendPacket(dst, p) }))
	}
}

type reader struct{ b []byte }

func (r *reader) Read(b []byte) (int, error) {
	n := copy(b, r.b)
	r.b = r.b[n:]
	return n, nil
}
