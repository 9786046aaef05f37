package proc

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseDropped(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1035: 0100007F:7530 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 3
 1036: 00000000000000000000000000000000:7532 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 5
 1037: 0100007F:7534 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4713 2 0000000000000000 100
`
	n, err := parseDropped([]byte(table), []int{30000, 30002})
	require.NoError(t, err)
	require.Equal(t, 8, n)
	_, err = parseDropped([]byte("1: nothing 0 07 0 0 0 0 0 0 0 0 0"), nil)
	require.Error(t, err)
	n, err = Dropped(os.Getpid(), nil)
	require.NoError(t, err)
	require.Zero(t, n)
}
