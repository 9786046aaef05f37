package proc

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	line := "4242 (a (strange) name) S 1 4242 4242 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 9 0 100 1000 200"
	got, err := parseStat([]byte(line))
	require.NoError(t, err)
	require.Equal(t, Times{User: 1500 * time.Millisecond, System: 250 * time.Millisecond}, got)
	require.Equal(t, 1750*time.Millisecond, got.Total())
}

func TestParseStatRefuses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "1 (x", "1 (x) S 1 2", "1 (x) S 1 2 3 4 5 6 7 8 9 10 eleven 12 13"} {
		_, err := parseStat([]byte(line))
		require.Error(t, err, "%q", line)
	}
}

func TestParseMachine(t *testing.T) {
	t.Parallel()
	got, err := parseMachine([]byte("cpu  100 20 30 9999 8888 4 5 6 50 0\ncpu0 1 2 3\n"))
	require.NoError(t, err)
	require.Equal(t, 1650*time.Millisecond, got, "without idle, waiting, and guests, who are in user already")
	_, err = parseMachine([]byte("intr 1 2 3"))
	require.Error(t, err)
	_, err = parseMachine([]byte("cpu a b c d e f g h i"))
	require.Error(t, err)
}

func TestField(t *testing.T) {
	t.Parallel()
	b := []byte("Name:\tVmRSS: 7\nVmRSS:\t    1234 kB\nEmpty:\nText: abc\n")
	n, err := field(b, "VmRSS:")
	require.NoError(t, err)
	require.EqualValues(t, 1234, n)
	for _, name := range []string{"VmSwap:", "Empty:", "Text:"} {
		_, err = field(b, name)
		require.Error(t, err, name)
	}
}

func TestOwnProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	_, err := CPU(os.Getpid())
	require.NoError(t, err)
	rss, err := RSS(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, rss, int64(1<<20))
	busy, err := Machine()
	require.NoError(t, err)
	require.Positive(t, busy)
	_, err = CPU(-1)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Writes(-1)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = RSS(-1)
	require.ErrorIs(t, err, os.ErrNotExist)
}
