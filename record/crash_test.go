package record

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
)

const (
	childDir  = "SLUICE_RECORD_CHILD" // the directory to record to, in a process that is to be killed
	childKind = "SLUICE_RECORD_KIND"  // and the kind, as a number
	soakRuns  = "SLUICE_SOAK"         // set to have many runs, and the time that is lost held to what the documentation says
)

// TestRecordUntilKilled is no test but the process that TestKilled kills. It says how far the stream is.
func TestRecordUntilKilled(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	kind, err := strconv.Atoi(os.Getenv(childKind))
	require.NoError(t, err)
	s := newStage(t, Config{Dir: dir, SegmentDuration: time.Second})
	c, err := clip.Load(bytes.NewReader(testmedia.H264B()))
	require.NoError(t, err)
	src := c.Source()
	pub := s.publish(src.Tracks())
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: Kind(kind)}))
	begun := time.Now()
	for {
		p, err := src.ReadPacket(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Until(begun.Add(p.DTS)))
		require.NoError(t, pub.WritePacket(p))
		fmt.Fprintln(os.Stdout, "at", p.DTS.Microseconds())
	}
}

// A process that is killed loses no more than a second of what it records, and the next finishes what is there; again changes nothing.
func TestKilled(t *testing.T) { killMany(t, 50, killOnce) }

// killMany kills processes that record, so many, or more for a soak. kill kills one, and returns how much of the stream is lost.
func killMany(t *testing.T, runs int, kill func(*testing.T) time.Duration) {
	limit := 3 * time.Second // a busy machine may be late; how much is lost is for make soak
	if os.Getenv(soakRuns) != "" {
		runs, limit = 200, time.Second
	}
	const beside = 5
	lost := make([]time.Duration, runs)
	t.Run("runs", func(t *testing.T) {
		for w := range beside {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				for i := w; i < runs; i += beside {
					lost[i] = kill(t)
					require.Less(t, lost[i], limit)
				}
			})
		}
	})
	worst, sum := time.Duration(0), time.Duration(0)
	for _, d := range lost {
		worst, sum = max(worst, d), sum+d
	}
	t.Logf("killed %d times: lost %v in the mean, %v at most", runs, (sum / time.Duration(runs)).Round(time.Millisecond), worst)
}

// recordUntilKilled has a process record to a directory, kills it at a random time, and returns how far its stream was.
func recordUntilKilled(t *testing.T, dir string, kind Kind, longest time.Duration) (reached time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRecordUntilKilled$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childKind+"="+strconv.Itoa(int(kind)), "TMPDIR="+t.TempDir()) // who is killed cleans nothing up
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	last := lines.Text()
	time.AfterFunc(rand.N(longest), func() { _ = cmd.Process.Kill() })
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "at ") {
			last = lines.Text()
		}
	}
	require.Error(t, cmd.Wait())
	micros, err := strconv.ParseInt(strings.TrimPrefix(last, "at "), 10, 64)
	require.NoError(t, err)
	return time.Duration(micros) * time.Microsecond
}

// killOnce kills a process that records at a random time, and returns how much of the stream is not in its file.
func killOnce(t *testing.T) time.Duration {
	dir := t.TempDir()
	reached := recordUntilKilled(t, dir, MP4, 1200*time.Millisecond)
	files := hiddenFiles(t, dir)
	if len(files) == 0 { // it was killed before the first fragment
		return reached
	}
	require.Len(t, files, 1)
	before, cut := mediaOf(t, files[0])
	s := newStage(t, Config{Dir: dir, FinishRate: -1})
	if len(cut) == 0 {
		require.NoError(t, s.r.Shutdown(t.Context()))
		require.Empty(t, hiddenFiles(t, dir), "nothing was recorded")
		return reached
	}
	ev := s.obs.await(t, 1)[0]
	require.Equal(t, s.key, ev.Stream)
	after, whole := mediaOf(t, ev.FilePath)
	require.True(t, before)
	require.False(t, after)
	require.Equal(t, cut, whole)
	require.Empty(t, hiddenFiles(t, dir))

	want, err := os.ReadFile(ev.FilePath)
	require.NoError(t, err)
	again := newStage(t, Config{Dir: dir})
	require.NoError(t, again.r.Shutdown(t.Context()))
	got, err := os.ReadFile(ev.FilePath)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	require.Len(t, entries(t, filepath.Dir(ev.FilePath)), 1)

	var reachedInFile time.Duration
	_, list := readFile(t, ev.FilePath)
	for _, p := range list {
		reachedInFile = max(reachedInFile, p.DTS)
	}
	return reached - reachedInFile
}

// mediaOf returns what is in a file, and whether it is fragmented.
func mediaOf(t *testing.T, name string) (fragmented bool, data []string) {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	head := make([]byte, 1)
	if _, err := io.ReadFull(f, head); err != nil {
		return true, nil
	}
	file, list := readLeft(t, name)
	if file == nil {
		return true, nil
	}
	return file.Fragmented(), append(ofKind(list, true), ofKind(list, false)...)
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	return list
}
