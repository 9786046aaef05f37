package wire

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// chunkHead is a type-0 chunk header of chunk stream 4.
func chunkHead(ms uint32, kind byte, length int) []byte {
	return []byte{4, byte(ms >> 16), byte(ms >> 8), byte(ms), byte(length >> 16), byte(length >> 8), byte(length), kind, 1, 0, 0, 0}
}

// readAll returns copies of all messages up to the end.
func readAll(t *testing.T, b []byte) []Message {
	t.Helper()
	c := newChunkReader(bytes.NewReader(b))
	var out []Message
	for {
		m, err := c.next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return out
		}
		m.Body = bytes.Clone(m.Body)
		out = append(out, m)
	}
}

func TestChunkHeaderTypes(t *testing.T) {
	t.Parallel()
	b := slices.Concat(
		chunkHead(1000, TypeVideo, 2), []byte{1, 2},
		[]byte{0x44, 0, 0, 40, 0, 0, 1, TypeAudio, 3}, // type 1: delta, length, type
		[]byte{0x84, 0, 0, 20, 4},                     // type 2: delta only
		[]byte{0xC4, 5},                               // type 3: all as before
	)
	require.Equal(t, []Message{
		{TypeVideo, 1000, []byte{1, 2}},
		{TypeAudio, 1040, []byte{3}},
		{TypeAudio, 1060, []byte{4}},
		{TypeAudio, 1080, []byte{5}},
	}, readAll(t, b))
}

func TestChunkLongIDs(t *testing.T) {
	t.Parallel()
	head := chunkHead(7, TypeAudio, 1)[1:]
	b := slices.Concat([]byte{0, 200 - 64}, head, []byte{1}, []byte{1, 0x10, 0x20}, head, []byte{2})
	require.Equal(t, []Message{{TypeAudio, 7, []byte{1}}, {TypeAudio, 7, []byte{2}}}, readAll(t, b))
}

func TestChunkExtendedTime(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte{9}, defaultChunkSize+1)
	late := []byte{0x01, 0x23, 0x45, 0x67}
	b := slices.Concat(
		chunkHead(extendedTime, TypeVideo, len(body)), late, body[:defaultChunkSize],
		[]byte{0xC4}, late, body[defaultChunkSize:],
	)
	require.Equal(t, []Message{{TypeVideo, 0x01234567, body}}, readAll(t, b))
}

func TestChunkInterleaved(t *testing.T) {
	t.Parallel()
	video := bytes.Repeat([]byte{1}, defaultChunkSize+3)
	audio := chunkHead(5, TypeAudio, 1)
	audio[0] = 6
	b := slices.Concat(chunkHead(0, TypeVideo, len(video)), video[:defaultChunkSize], audio, []byte{2}, []byte{0xC4}, video[defaultChunkSize:])
	require.Equal(t, []Message{{TypeAudio, 5, []byte{2}}, {TypeVideo, 0, video}}, readAll(t, b))
}

func TestChunkAbort(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{1}, defaultChunkSize)
	c := newChunkReader(bytes.NewReader(slices.Concat(
		chunkHead(0, TypeVideo, defaultChunkSize+1), long, chunkHead(40, TypeVideo, 1), []byte{7},
	)))
	_, err := c.chunk()
	require.NoError(t, err)
	require.NoError(t, c.abort([]byte{0, 0, 0, 4}))
	m, err := c.next()
	require.NoError(t, err)
	require.Equal(t, Message{TypeVideo, 40, []byte{7}}, m)
}

func TestAppendMessageIsReadBack(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte{1, 2, 3}, 200)
	require.Equal(t, []Message{{typeCommand, 0, body}}, readAll(t, appendMessage(nil, 3, typeCommand, 1, body)))
}

func TestChunkRefusesBadBytes(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{1}, defaultChunkSize)
	for name, b := range map[string][]byte{
		"stream begins with type 3": {0xC4, 1},
		"message too long":          chunkHead(0, TypeVideo, maxBody+1),
		"new message within one":    slices.Concat(chunkHead(0, TypeVideo, defaultChunkSize+1), long, chunkHead(0, TypeVideo, 1), []byte{1}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newChunkReader(bytes.NewReader(b)).next()
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestChunkSizeBounds(t *testing.T) {
	t.Parallel()
	c := newChunkReader(bytes.NewReader(nil))
	require.NoError(t, c.setSize([]byte{0, 0, 0x10, 0}))
	require.Equal(t, 4096, c.size)
	require.ErrorIs(t, c.setSize([]byte{0, 0, 0, 0}), ErrMalformed)
	require.ErrorIs(t, c.setSize([]byte{0x7F, 0, 0, 0}), ErrMalformed)
	require.ErrorIs(t, c.setSize([]byte{1}), ErrMalformed)
	require.ErrorIs(t, c.abort([]byte{1}), ErrMalformed)
}

func FuzzChunks(f *testing.F) {
	f.Add(appendMessage(nil, 3, typeCommand, 0, make([]byte, 300)))
	f.Add(slices.Concat(chunkHead(extendedTime, TypeVideo, 1), []byte{0, 0, 0, 1, 9}, []byte{0xC4, 0, 0, 0, 1, 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := newChunkReader(bytes.NewReader(b))
		for {
			m, err := c.next()
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(m.Body), len(b))
		}
	})
}
