package relay

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// An ffmpeg for a picture gives way to the server, and so does what it starts.
func TestSnapshotGivesWay(t *testing.T) {
	idle := strconv.Itoa(unix.SCHED_IDLE)
	path, runs := counting(t, "until [ $(cut -d ' ' -f 41 /proc/$$/stat) = "+idle+" ]; do sleep 0.01; done\n"+
		"(exec cut -d ' ' -f 41 /proc/self/stat) >$0.child")
	_, err := newPictured(t, path).Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: yielding})
	require.NoError(t, err)
	require.Equal(t, 1, runs())
	text, err := os.ReadFile(path + ".child")
	require.NoError(t, err)
	require.Equal(t, idle+"\n", string(text))
}

// Where an ffmpeg that gives way never gets its turn, another one does not give way.
func TestSnapshotThatStarves(t *testing.T) {
	idle := strconv.Itoa(unix.SCHED_IDLE)
	path, runs := counting(t, "for i in 1 2 3 4 5 6 7 8 9 10; do\n"+
		"[ $(cut -d ' ' -f 41 /proc/$$/stat) = "+idle+" ] && sleep 1000\nsleep 0.05\ndone")
	_, err := newPictured(t, path).Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: 9 * time.Second})
	require.NoError(t, err)
	require.Equal(t, 2, runs())
}
