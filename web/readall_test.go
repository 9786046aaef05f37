package web

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// What is read is all there is, whatever its length was said to be; and takes as much room as was said, if that is right.
func TestReadAll(t *testing.T) {
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000, 9 << 20} {
		data := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		for _, said := range []int{-1, 0, size / 2, size - 1, size, size + 1, 2 * size} {
			got, err := readAll(bytes.NewReader(data), int64(said))
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got), "%d of %d", len(got), size)
			if said == size && size >= 64<<10 {
				require.LessOrEqual(t, cap(got), size+16<<10)
			}
		}
	}
	got, err := readAll(io.MultiReader(iotest.HalfReader(bytes.NewReader(make([]byte, 100_000))), iotest.ErrReader(errBroken)), 200_000)
	require.ErrorIs(t, err, errBroken)
	require.Len(t, got, 100_000)
	got, err = readAll(bytes.NewReader(make([]byte, 100)), 1<<62)
	require.NoError(t, err)
	require.Less(t, cap(got), 100_000, "what is said is not believed at once")
}

var errBroken = errors.New("broken")
