package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// guesser makes a chunk of each packet, which is the packet. It asks for as many bytes as it is told to guess.
type guesser struct {
	guess int
	apart bool // the chunk lies in memory of its own
	head  []byte
}

func (g *guesser) AppendHeader(dst []byte, _ *media.Description) ([]byte, error) {
	return append(dst, g.head...), nil
}

func (g *guesser) AppendChange(dst []byte, _ *media.Description) ([]byte, error) {
	return append(dst, g.head...), nil
}

func (g *guesser) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	var data []byte
	if !g.apart {
		data = w.Tail(g.guess)
	}
	w.Write(media.Chunk{Key: start, DTS: p.DTS, Data: append(data, p.Data...)})
	return nil
}

func (*guesser) Flush(w media.ChunkWriter) error {
	w.Write(media.Chunk{}) // none
	w.Write(media.Chunk{Data: []byte("end")})
	return nil
}

// payload is n bytes of which each differs from those beside it.
func payload(n, seed int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + seed)
	}
	return b
}

// message is the payload of the one frame that wire is.
func message(t *testing.T, wire []byte) []byte {
	t.Helper()
	head, err := ws.ReadHeader(&reader{wire})
	require.NoError(t, err)
	require.True(t, head.Fin)
	require.False(t, head.Masked)
	require.Equal(t, ws.OpBinary, head.OpCode)
	require.EqualValues(t, len(wire), ws.HeaderSize(head)+int(head.Length), "as few bytes as the length may take, and one frame")
	return wire[ws.HeaderSize(head):]
}

// boundaries are the lengths around which the header of a frame takes another size.
var boundaries = []int{1, 2, 125, 126, 127, 65_535, 65_536, 65_537}

// Whatever a chunker guesses, and wherever its chunks lie, each is a frame with just what was in it.
func TestChunksInFrames(t *testing.T) {
	for _, n := range boundaries {
		for _, guess := range []int{0, 1, 125, 126, 1000, 65_535, 65_536, 200_000, -1} {
			t.Run(fmt.Sprintf("%d as %d", n, guess), func(t *testing.T) {
				s, err := media.New(media.Config{})
				require.NoError(t, err)
				defer s.Close()
				pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
				require.NoError(t, err)
				track := &media.Track{ID: 1, Codec: media.VP8}
				require.NoError(t, pub.SetTracks(track))
				r := pub.Stream().ReadFormat(&media.Format{Name: "guess", NewChunker: func() media.Chunker {
					return &frameChunker{inner: &guesser{guess: max(guess, 0), apart: guess < 0, head: payload(n, 3)}}
				}})
				defer r.Close()
				const count = 4
				for i := range count {
					at := time.Duration(i) * 40 * time.Millisecond
					require.NoError(t, pub.WritePacket(&media.Packet{Track: track, Key: i == 0, DTS: at, PTS: at, Data: payload(n, i)}))
				}
				pub.Close(nil)
				list := make([]media.Chunk, count+1)
				for i := 0; i < len(list); {
					k, err := r.ReadBatch(t.Context(), list[i:])
					require.NoError(t, err)
					i += k
				}
				require.Equal(t, payload(n, 3), message(t, list[0].Header))
				for i, c := range list[:count] {
					require.Equal(t, payload(n, i), message(t, c.Data))
				}
				require.Equal(t, "end", string(message(t, list[count].Data)))
			})
		}
	}
}

// bench gives the same memory for each chunk, as a stream does until one is written.
type bench struct{ mem, last []byte }

func (b *bench) Tail(int) []byte     { return b.mem[:0] }
func (b *bench) Write(c media.Chunk) { b.last = c.Data }

// Where the guess is as good as the header needs it, a chunk is framed where it lies, and nothing is allocated. Elsewhere it
// moves, perhaps within the same memory.
func TestChunksAreFramedInPlace(t *testing.T) {
	out := &bench{mem: make([]byte, 100_000)}
	for _, n := range boundaries {
		for _, guess := range boundaries {
			p := &media.Packet{Data: payload(n, 1)}
			m := &frameChunker{inner: &guesser{guess: guess}}
			write := func() { _ = m.WritePacket(out, p, false) }
			write()
			require.Equal(t, p.Data, message(t, out.last), "%d as %d", n, guess)
			require.Same(t, &out.mem[0], &out.last[0])
			require.Zero(t, testing.AllocsPerRun(10, write))
		}
	}
}

// A description of nothing is no frame.
func TestNoFrameOfNothing(t *testing.T) {
	m := &frameChunker{inner: &guesser{}}
	b, err := m.AppendHeader([]byte("before"), &media.Description{})
	require.NoError(t, err)
	require.Equal(t, "before", string(b))
	b, err = m.AppendChange(b, &media.Description{})
	require.NoError(t, err)
	require.Equal(t, "before", string(b))
}
