package wire

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func wsFrom(b []byte, w io.Writer) *wsReader {
	return &wsReader{r: bufio.NewReader(bytes.NewReader(b)), w: w}
}

func TestAcceptKeyOfTheRFC(t *testing.T) {
	t.Parallel()
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", acceptKey("dGhlIHNhbXBsZSBub25jZQ=="))
}

func TestWSJoinsFramesAndAnswersPings(t *testing.T) {
	t.Parallel()
	medium, long := bytes.Repeat([]byte{7}, 300), bytes.Repeat([]byte{8}, 70000)
	b := slices.Concat(
		[]byte{0x80 | opBinary, 2, 'a', 'b'},
		[]byte{opBinary, 126, 0x01, 0x2C}, medium, // 300 bytes, not final
		[]byte{0x80 | opPing, 1, 'p'},
		[]byte{0x80 | opPong, 0},
		[]byte{0x80 | opContinuation, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70}, long,
		[]byte{0x80 | opClose, 2, 3, 0xE8},
	)
	var sent bytes.Buffer
	got, err := io.ReadAll(wsFrom(b, &sent))
	require.ErrorIs(t, err, ErrEnd)
	require.ErrorContains(t, err, "1000")
	require.Equal(t, slices.Concat([]byte("ab"), medium, long), got)
	require.Equal(t, []byte{0x80 | opPong, 0x81, 0, 0, 0, 0, 'p'}, sent.Bytes())
}

func TestWSRefusesBadBytes(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"masked":             {0x80 | opBinary, 0x81, 0, 0, 0, 0, 1},
		"reserved bit":       {0xC0 | opBinary, 1, 1},
		"text":               {0x81, 1, 'x'},
		"stray continuation": {0x80, 1, 1},
		"nested message":     {opBinary, 1, 1, 0x80 | opBinary, 1, 1},
		"long control frame": {0x80 | opPing, 126, 1, 0},
		"split control":      {opPing, 0},
		"unknown control":    {0x8B, 0},
		"huge frame":         {0x80 | opBinary, 127, 1, 0, 0, 0, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := io.ReadAll(wsFrom(b, io.Discard))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func FuzzWS(f *testing.F) {
	f.Add([]byte{0x80 | opBinary, 2, 'a', 'b', 0x80 | opPing, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := io.ReadAll(wsFrom(b, io.Discard))
		require.LessOrEqual(t, len(got), len(b))
	})
}
