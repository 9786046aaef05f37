//go:build unix

package relay

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// script makes a program that notes how it was called and starts another, whose number it notes, too.
func script(t *testing.T, then string) (path string, called func() []string, child func() int) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "ffmpeg")
	text := "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done >" + dir + "/args\nsleep 1000 &\necho $! >" + dir + "/child\n" + then + "\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700)) //nolint:gosec // it is run
	called = func() []string {
		text, err := os.ReadFile(filepath.Join(dir, "args"))
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	child = func() (pid int) {
		require.Eventually(t, func() bool {
			text, err := os.ReadFile(filepath.Join(dir, "child"))
			if err != nil {
				return false
			}
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
			return err == nil
		}, patience, time.Millisecond)
		return pid
	}
	return path, called, child
}

func gone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil || isZombie(pid) }, patience, time.Millisecond)
}

// isZombie reports whether a process has ended and waits for whoever is its parent now.
func isZombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// Whatever is in a URL is one argument, and nothing is left when an ffmpeg is stopped: not what it has started.
func TestRunFFmpeg(t *testing.T) {
	path, called, child := script(t, "wait")
	_, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Templates: map[string]string{"hd": "%s -x -i %s -y %s"}}})
	const source, destination = "rtsp://127.0.0.1/a b;$(reboot)\"'-i?x=%s%n", "rtmp://127.0.0.1/live/x;$(y)?%s"
	require.NoError(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Key: "k", Source: source, Destination: destination, Template: "hd", Timeout: 3 * time.Second}))
	require.Equal(t, []string{"-x", "-protocol_whitelist", reads("rtsp"), "-i", source, "-y", destination}, called())
	require.ErrorIs(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Key: "k", Source: source, Destination: destination}), ErrExists)
	list := r.FFmpegs()
	require.Len(t, list, 1)
	require.Equal(t, "hd", list[0].Template)
	require.NotContains(t, list[0].Command, "whitelist")
	pid := child()
	require.True(t, r.StopFFmpeg("k"))
	require.False(t, r.StopFFmpeg("k"))
	require.Empty(t, r.FFmpegs())
	gone(t, pid)
}

// A program that ends is told, with what it has said, and leaves nothing.
func TestFFmpegEnds(t *testing.T) {
	path, _, child := script(t, "echo no such file >&2; exit 3")
	_, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path}})
	err := r.RunFFmpeg(t.Context(), FFmpegRequest{Source: "rtmp://127.0.0.1/a/b", Destination: "rtmp://127.0.0.1/c/d"})
	require.ErrorContains(t, err, "exit status 3")
	require.Empty(t, r.FFmpegs())
	gone(t, child())
	_, r = newRelay(t, Config{FFmpeg: FFmpegConfig{Path: "/nonexistent/ffmpeg"}})
	require.Error(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Source: "rtmp://127.0.0.1/a/b", Destination: "rtmp://127.0.0.1/c/d"}))
}

// The stream of this server is waited for.
func TestFFmpegOfOwnStream(t *testing.T) {
	path, _, child := script(t, "wait")
	local := func(u *url.URL) (media.StreamKey, bool) { return edge, u.Host == "own" }
	recorded := make(chan media.StreamKey, 1)
	m, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Local: local, Record: func(key media.StreamKey, hls, mp4 bool) error {
		if mp4 && !hls {
			recorded <- key
		}
		return nil
	}}})
	request := FFmpegRequest{Source: "rtmp://user:secret@127.0.0.1/a/b?x=1", Destination: "rtmp://own/edge/cam", RecordMP4: true, Timeout: patience}
	ran := make(chan error, 1)
	go func() { ran <- r.RunFFmpeg(t.Context(), request) }()
	pid := child()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: edge, Origin: hook.OriginRTMPPush, OriginURL: "rtmp://own/edge/cam"})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}))
	require.NoError(t, <-ran)
	require.Equal(t, edge, <-recorded)
	src := pub.Stream().Source("")
	require.Equal(t, hook.OriginFFmpegPull, src.Origin)
	require.Equal(t, "rtmp://127.0.0.1/a/b?x=1", src.OriginURL)
	require.NoError(t, r.Close())
	gone(t, pid)
	pub.Close(nil)
	pub, err = m.Publish(t.Context(), media.PublishRequest{Stream: edge, Origin: hook.OriginRTMPPush})
	require.NoError(t, err)
	require.Equal(t, hook.OriginRTMPPush, pub.Stream().Source("").Origin, "nobody hands it on any more")

	request.Timeout = 200 * time.Millisecond
	_, r = newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Local: local}})
	require.ErrorIs(t, r.RunFFmpeg(t.Context(), request), errTimeout)
}

// Who closes the stream of an ffmpeg wants no more of it: also when the program ends first.
func TestFFmpegWhoseStreamIsClosed(t *testing.T) {
	for name, then := range map[string]string{"the program goes on": "wait", "the program ends": "while ! [ -e $0.end ]; do sleep 0.01; done"} {
		t.Run(name, func(t *testing.T) {
			path, _, child := script(t, then)
			m, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Local: func(*url.URL) (media.StreamKey, bool) { return edge, true }}})
			pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: edge, Origin: hook.OriginRTMPPush})
			require.NoError(t, err)
			require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}))
			require.NoError(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Source: "rtmp://127.0.0.1/a/b", Destination: "rtmp://own/edge/cam", Timeout: patience}))
			require.NoError(t, pub.Stream().Err())
			pub.Stream().Kick(media.ErrKicked)
			require.ErrorIs(t, pub.Stream().Err(), media.ErrKicked)
			require.NoError(t, os.WriteFile(path+".end", nil, 0o600))
			require.Eventually(t, func() bool { return len(r.FFmpegs()) == 0 }, patience, time.Millisecond)
			gone(t, child())
		})
	}
}

// What ffmpeg is not to read or write is refused before it is run, and so are templates that are none.
func TestFFmpegRefuses(t *testing.T) {
	path, _, _ := script(t, "wait")
	_, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path}})
	for _, source := range []string{
		"/etc/passwd", "file:///etc/passwd", "concat:a|b", "concat://127.0.0.1/x", "-version", "", "subfile,,start,1,,:/x", "data:x", "rtmp://",
		"pipe:0", "lavfi:testsrc", "unix:///run/x", "rtsp://169.254.169.254/x", "http://0.0.0.0/x", "http://[fe80::1]/x",
	} {
		require.Error(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Source: source, Destination: "rtmp://127.0.0.1/a/b"}), source)
	}
	for _, destination := range []string{"/tmp/x.mp4", "-y", "file:///tmp/x", "http://127.0.0.1/x", "rtmp://", "tee:rtmp://h/a"} {
		require.ErrorIs(t, r.RunFFmpeg(t.Context(), FFmpegRequest{Source: "rtmp://127.0.0.1/a/b", Destination: destination}), ErrScheme, destination)
	}
	for _, text := range []string{"ffmpeg -i %s %s", "%s -i %s", "%s %s %s %s", "%s -i '%s' %s", "%s -i %d %s %s", "-i %s %s %s"} {
		_, err := parseTemplate(text)
		require.Error(t, err, text)
	}
}
