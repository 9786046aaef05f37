package mp4

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/media"
)

// shelf puts chunks together to a file.
type shelf struct {
	file []byte
	ends []int // of chunks, and of what is before them
}

func (s *shelf) Tail(int) []byte { return nil }

func (s *shelf) Write(c media.Chunk) {
	s.file = append(s.file, c.Data...)
	s.ends = append(s.ends, len(s.file))
}

// mux makes a fragmented file.
func mux(t testing.TB, tracks []*media.Track, packets []*media.Packet) *shelf {
	t.Helper()
	m := fmp4.NewMuxer()
	init, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	s := &shelf{file: init, ends: []int{len(init)}}
	for _, p := range packets {
		require.NoError(t, m.WritePacket(s, p, p.Key))
	}
	require.NoError(t, m.Flush(s))
	return s
}

// finish makes an ordinary file of a fragmented one.
func finish(t testing.TB, data []byte, opts FinishOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, Finish(t.Context(), bytes.NewReader(data), int64(len(data)), &out, opts))
	return out.Bytes()
}

func save(t testing.TB, name string, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}
