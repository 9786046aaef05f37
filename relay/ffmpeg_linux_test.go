package relay

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// killedRelay is the program that the child of TestFFmpegDiesWithTheServer runs as ffmpeg.
const killedRelay = "SLUICE_TEST_FFMPEG"

// piped makes a program that notes the number of each of its processes, and of one that it has started.
func piped(t *testing.T) (path string, pids func() []int) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "ffmpeg")
	text := "#!/bin/sh\nsleep 1000 &\necho $$ $! >>" + dir + "/pids\nwait\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700)) //nolint:gosec // it is run
	return path, func() (list []int) {
		text, _ := os.ReadFile(filepath.Join(dir, "pids")) // none has run
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			require.NoError(t, err)
			list = append(list, pid)
		}
		return list
	}
}

// Whoever adds and deletes sources for ever leaves no process, and no descriptor.
func TestManyFFmpegs(t *testing.T) {
	const pairs, beside = 200, 10
	path, pids := piped(t)
	m, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Local: func(*url.URL) (media.StreamKey, bool) { return edge, true }}})
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: edge}) // for all of them
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}))
	pair := func(n int) error {
		key := strconv.Itoa(n)
		if err := r.RunFFmpeg(t.Context(), FFmpegRequest{Key: key, Source: "rtmp://127.0.0.1/a/b", Destination: "rtmp://127.0.0.1/edge/cam", Timeout: patience}); err != nil {
			return err
		}
		if !r.StopFFmpeg(key) {
			return fmt.Errorf("there is no %s", key)
		}
		return nil
	}
	require.NoError(t, pair(-1)) // which opens what is opened once
	before := descriptors()
	errs := make(chan error, pairs)
	var all sync.WaitGroup
	for w := range beside {
		all.Go(func() {
			for i := w; i < pairs; i += beside {
				errs <- pair(i)
			}
		})
	}
	all.Wait()
	for range pairs {
		require.NoError(t, <-errs)
	}
	require.Empty(t, r.FFmpegs())
	list := pids()
	require.NotEmpty(t, list)
	for i, pid := range list {
		if i%2 == 0 {
			require.Error(t, syscall.Kill(pid, 0), "a child that nobody has waited for")
		} else {
			gone(t, pid)
		}
	}
	require.Eventually(t, func() bool { return descriptors() <= before }, patience, time.Millisecond)
}

// A server that is killed takes its ffmpegs with it. The server is this test once more, in a process of its own.
func TestFFmpegDiesWithTheServer(t *testing.T) {
	if path := os.Getenv(killedRelay); path != "" {
		runUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho $$ >>"+path+".pid\nexec sleep 1000\n"), 0o700)) //nolint:gosec // it is run
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFFmpegDiesWithTheServer$")
	cmd.Env = append(os.Environ(), killedRelay+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
	}
	text, err := os.ReadFile(path + ".pid")
	require.NoError(t, err)
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, 0))
		pids = append(pids, pid)
	}
	require.Len(t, pids, 3)
	killed := time.Now()
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	for _, pid := range pids {
		gone(t, pid)
	}
	if isSoak() { // a busy machine may be late otherwise
		require.Less(t, time.Since(killed), 2*time.Second)
	}
}

// runUntilKilled is the server that TestFFmpegDiesWithTheServer kills.
func runUntilKilled(t *testing.T, path string) {
	t.Helper()
	_, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path}})
	for i := range 3 {
		require.NoError(t, r.RunFFmpeg(t.Context(), FFmpegRequest{
			Key: strconv.Itoa(i), Source: "rtmp://127.0.0.1/a/b", Destination: "rtmp://127.0.0.1/c/d", Timeout: time.Second,
		}))
	}
	fmt.Println("ready")
	time.Sleep(10 * time.Minute)
}
