//go:build unix

package relay

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	_ "image/jpeg" // to look at what ffmpeg makes
	_ "image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// needFFmpeg returns the path of ffmpeg. A test that needs it is left out where there is none, but in CI.
func needFFmpeg(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg is not installed")
		}
		t.Skip("ffmpeg is not installed")
	}
	return path
}

// yielding is a time to have a picture in of an ffmpeg that is not to be run a second time, as it is after a third of it: it gets the processor
// when nobody else wants it, which on a busy machine is not often.
const yielding = 12 * patience

// counting is an ffmpeg that notes each run, in a file.
func counting(t *testing.T, then string) (path string, runs func() int) {
	t.Helper()
	real := needFFmpeg(t)
	dir := t.TempDir()
	path = filepath.Join(dir, "counting")
	text := "#!/bin/sh\necho run >>" + dir + "/runs\n" + then + "\nexec " + real + " \"$@\"\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700)) //nolint:gosec // it is run
	return path, func() int {
		text, err := os.ReadFile(filepath.Join(dir, "runs"))
		if err != nil {
			return 0
		}
		return strings.Count(string(text), "run")
	}
}

// ours says that URLs of the host here are this server's.
func ours(u *url.URL) (media.StreamKey, bool) {
	app, name, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	return media.StreamKey{App: app, Name: name}.Canonical(), u.Hostname() == "here"
}

// newPictured is a server with a stream live/cam, and a relay that takes pictures of it.
func newPictured(t *testing.T, path string) *Relay {
	t.Helper()
	m, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Local: ours}})
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "cam"}})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Play(context.Background(), pub) // it ends with the stream
	}()
	t.Cleanup(func() {
		pub.Close(nil)
		<-done
	})
	require.Eventually(t, func() bool {
		_, ok := m.Stream(media.StreamKey{App: "live", Name: "cam"})
		return ok
	}, patience, time.Millisecond)
	return r
}

const hereCam = "rtmp://here/live/cam"

// A picture has the stream's size, or the one that is asked for, in the format that is.
func TestSnapshot(t *testing.T) {
	path, _ := counting(t, "")
	r := newPictured(t, path)
	var full image.Config
	for _, c := range []struct {
		q             SnapshotRequest
		kind          string
		width, height int // 0 for any
	}{
		{SnapshotRequest{}, "image/jpeg", 0, 0},
		{SnapshotRequest{Width: 64}, "image/jpeg", 64, 0},
		{SnapshotRequest{Height: 32, Format: "png"}, "image/png", 0, 32},
		{SnapshotRequest{Width: 30, Height: 20, Quality: 90}, "image/jpeg", 30, 20},
	} {
		c.q.URL, c.q.Timeout = hereCam, patience
		x, err := r.Snapshot(t.Context(), c.q)
		require.NoError(t, err)
		require.Equal(t, c.kind, x.ContentType)
		got, _, err := image.DecodeConfig(bytes.NewReader(x.Data))
		require.NoError(t, err)
		if full.Width == 0 {
			full = got
			require.Greater(t, full.Width, 100)
		}
		require.True(t, c.width == 0 || c.width == got.Width)
		require.True(t, c.height == 0 || c.height == got.Height)
	}
	good, err := r.Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: patience, Quality: 100})
	require.NoError(t, err)
	bad, err := r.Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: patience, Quality: 1})
	require.NoError(t, err)
	require.Greater(t, len(good.Data), 2*len(bad.Data))
	webp, err := r.Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: patience, Format: "webp", Quality: 50})
	require.NoError(t, err)
	require.Equal(t, "WEBP", string(webp.Data[8:12]))
}

// Many who ask for one picture get it by one run; and not more run at once than may.
func TestSnapshotsAreFew(t *testing.T) {
	path, runs := counting(t, "sleep 0.3")
	r := newPictured(t, path)
	ask := func(n int, q func(i int) SnapshotRequest) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				_, err := r.Snapshot(t.Context(), q(i))
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	ask(100, func(int) SnapshotRequest { return SnapshotRequest{URL: hereCam, Timeout: yielding, MaxAge: time.Hour} })
	require.Equal(t, 1, runs())
	ask(100, func(int) SnapshotRequest { return SnapshotRequest{URL: hereCam, MaxAge: time.Hour} })
	require.Equal(t, 1, runs(), "the one there is does")
	began := time.Now()
	ask(6, func(i int) SnapshotRequest { return SnapshotRequest{URL: hereCam, Width: 20 + 2*i, Timeout: yielding} })
	require.Greater(t, time.Since(began), 850*time.Millisecond, "two at once of six, each of which takes 0.3 s")
	require.Equal(t, 7, runs())
	require.NoError(t, r.DeleteSnapshots(t.Context(), media.StreamKey{App: "live", Name: "cam"}, ""))
	require.Empty(t, r.snapshots.kept)
	require.Zero(t, r.snapshots.bytes)
}

// When there is no new picture, an old one does; and none is an error that says why.
func TestSnapshotFails(t *testing.T) {
	r := newPictured(t, "/none/ffmpeg")
	_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: hereCam})
	require.ErrorContains(t, err, "a picture takes ffmpeg")
	old := &Snapshot{ContentType: "image/jpeg", Data: []byte("old"), Taken: time.Now().Add(-time.Hour)}
	r.mu.Lock()
	r.snapshots.keep(snapshotKey{url: hereCam, format: "jpeg"}, old)
	r.mu.Unlock()
	got, err := r.Snapshot(t.Context(), SnapshotRequest{URL: hereCam, MaxAge: time.Second})
	require.NoError(t, err)
	require.Same(t, old, got)
	for _, c := range []struct {
		q    SnapshotRequest
		want error
		text string
	}{
		{SnapshotRequest{URL: "rtmp://here/live/none"}, media.ErrStreamNotFound, ""},
		{SnapshotRequest{URL: "file:///etc/passwd"}, ErrScheme, ""},
		{SnapshotRequest{URL: "live/cam"}, ErrScheme, `reads http, https, rtsp, rtmp, rtmps, srt, udp and rtp URLs, not "live/cam"`},
		{SnapshotRequest{URL: "concat:/etc/passwd"}, ErrScheme, ""},
		{SnapshotRequest{URL: "http://169.254.169.254/"}, ErrAddress, ""},
		{SnapshotRequest{URL: hereCam, Format: "gif"}, errSnapshotForm, ""},
		{SnapshotRequest{URL: hereCam, Width: maxSnapshotSide + 1}, errSnapshotSize, ""},
	} {
		_, err := r.Snapshot(t.Context(), c.q)
		require.ErrorIs(t, err, c.want, c.q.URL)
		require.ErrorContains(t, err, c.text)
	}
}

// A program that hangs, writes without end or says what is secret.
func TestSnapshotOfOddPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		then    string
		timeout time.Duration
		text    string
	}{
		"hangs":     {"sleep 1000", time.Second, "no picture came in time"},
		"fails":     {"echo cannot open rtsp://user:secret@cam/x >&2; exit 3", patience, "exit status 3"},
		"no output": {"exit 0", patience, "made no picture"},
		"endless":   {"exec cat /dev/zero", patience, "ffmpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := counting(t, c.then)
			r := newPictured(t, path)
			_, err := r.Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: c.timeout})
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

// What ffmpeg says last is why it has failed, and what it says first how it was built. A line whose beginning is not kept may be the rest of a
// URL with a password.
func TestSnapshotTellsWhyItFailed(t *testing.T) {
	for name, program := range map[string]string{
		"banner":    "for i in 1 2 3 4 5 6 7 8 9; do echo built with all that there is for this, option $i >&2; done; echo Connection refused >&2; exit 1",
		"long line": "printf 'rtsp://user:secret%03000d@cam/x\\nConnection refused\\n' 0 >&2; exit 1",
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := counting(t, program)
			_, err := newPictured(t, path).Snapshot(t.Context(), SnapshotRequest{URL: hereCam, Timeout: patience})
			require.ErrorContains(t, err, "Connection refused")
			require.NotContains(t, err.Error(), "option 1")
			require.NotContains(t, err.Error(), "@cam")
			require.Less(t, len(err.Error()), 400)
		})
	}
}

// What is kept has a bound.
func TestSnapshotsAreBounded(t *testing.T) {
	_, r := newRelay(t, Config{})
	s := &r.snapshots
	for i := range 3 * maxSnapshots {
		s.keep(snapshotKey{width: i}, &Snapshot{Data: make([]byte, 100), Taken: time.Unix(int64(i), 0)})
	}
	require.Len(t, s.kept, maxSnapshots)
	require.Equal(t, 100*maxSnapshots, s.bytes)
	require.NotNil(t, s.kept[snapshotKey{width: 3*maxSnapshots - 1}])
	s.keep(snapshotKey{url: "big"}, &Snapshot{Data: make([]byte, maxSnapshotBytes), Taken: time.Now()})
	require.Len(t, s.kept, 1)
}

// A picture is made ready for an ffmpeg when it is its turn, not for each that waits.
func TestSnapshotsWaitWithoutCopies(t *testing.T) {
	const size, many = 8 << 20, 30
	dir := t.TempDir()
	path := filepath.Join(dir, "slow")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho run >>"+dir+"/runs\nexec sleep 60\n"), 0o700)) //nolint:gosec // it is run
	m, r := newRelay(t, Config{FFmpeg: FFmpegConfig{Path: path, Local: ours}, SnapshotRuns: 1})
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "cam"}})
	require.NoError(t, err)
	defer pub.Close(nil)
	track := &media.Track{ID: 1, Codec: media.H264, Config: []byte{1, 0x42, 0, 10, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0, 10, 1, 0, 4, 0x68, 0xee, 0x3c, 0x80}}
	require.NoError(t, pub.SetTracks(track))
	picture := make([]byte, size)
	binary.BigEndian.PutUint32(picture, size-4)
	picture[4] = 0x65 // an IDR slice
	require.NoError(t, pub.WritePacket(&media.Packet{Track: track, Key: true, Data: picture}))
	heap := func() int64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before := heap()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range many {
		all.Go(func() {
			_, _ = r.Snapshot(ctx, SnapshotRequest{URL: hereCam, Width: 2 * (i + 1), Timeout: time.Minute})
		})
	}
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "runs"))
		r.mu.Lock()
		defer r.mu.Unlock()
		return err == nil && len(r.snapshots.taken) == many
	}, patience, time.Millisecond)
	time.Sleep(100 * time.Millisecond) // most likely all wait by now
	require.Less(t, heap(), before+many*size/4)
}

// Of a picture that is as narrow as a line the other side is bounded, too.
func TestSnapshotOfALine(t *testing.T) {
	path := needFFmpeg(t)
	for _, q := range []SnapshotRequest{{Width: 2048}, {Height: 2048}} {
		from := "color=s=16x4096:d=0.04"
		if q.Width == 0 {
			from = "color=s=4096x16:d=0.04"
		}
		data, err := exec.CommandContext(t.Context(), path, "-v", "error", "-f", "lavfi", "-i", from, "-vf", q.scale(), "-frames:v", "1", "-f", "mjpeg", "-").Output()
		require.NoError(t, err)
		got, _, err := image.DecodeConfig(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, maxSnapshotSide+16, got.Width+got.Height)
	}
}
