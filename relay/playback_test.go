package relay

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/rtsp"
)

const (
	filmRepeats  = 8
	filmPictures = filmRepeats * 150 // 25 in a second, each GOP has 50
)

// numbered is a picture that tells its number, by a message of its own (H.264, 7.3.2.3.1).
func numbered(n int, picture []byte) []byte {
	sei := append([]byte{6, 5, 20}, "sluice's picture"...)
	for shift := 9; shift >= 0; shift -= 3 { // no zeros, which would need an escape
		sei = append(sei, 0x40|byte(n>>shift&7))
	}
	sei = append(sei, 0x80)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(sei))), sei...), picture...)
}

// numberOf is the number of a picture.
func numberOf(t *testing.T, data []byte) (n int) {
	t.Helper()
	for len(data) > 4 {
		size := 4 + int(binary.BigEndian.Uint32(data))
		if unit := data[4:size]; unit[0] == 6 && len(unit) == 24 {
			for _, b := range unit[19:23] {
				n = n<<3 | int(b&7)
			}
			return n
		}
		data = data[size:]
	}
	t.Fatal("a picture without a number")
	return 0
}

// recording records a film of numbered pictures at an origin, and returns the URL of the file.
func recording(t *testing.T, o *origin) string {
	t.Helper()
	dir := t.TempDir()
	r, err := record.New(o.media, record.Config{Dir: dir})
	require.NoError(t, err)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "film"}
	tracks, packets := reel.Load(t, testmedia.H264())
	pub, err := o.media.Publish(t.Context(), media.PublishRequest{Stream: key})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(tracks...))
	require.NoError(t, r.Start(t.Context(), record.Request{Stream: key, Kind: record.MP4, MaxDuration: time.Hour}))
	n, begun := 0, time.Now().Add(-time.Minute)
	for i := range filmRepeats {
		for _, p := range packets {
			if p.Key && p.Track.Codec.Video() && n > 0 { // what records is not to be passed over
				require.Eventually(t, func() bool {
					spans, err := r.Library().Timeline(t.Context(), key, begun, begun.Add(time.Hour))
					return err == nil && len(spans) == 1 && spans[0].Duration >= time.Duration(n)*40*time.Millisecond-time.Second
				}, patience, time.Millisecond)
			}
			own := *p
			if own.DTS, own.PTS = p.DTS+time.Duration(i)*6*time.Second, p.PTS+time.Duration(i)*6*time.Second; p.Track.Codec.Video() {
				own.Data = numbered(n, p.Data)
				n++
			}
			require.NoError(t, pub.WritePacket(&own))
		}
	}
	require.Equal(t, filmPictures, n)
	pub.Close(nil)
	var files []string
	require.Eventually(t, func() bool {
		files, err = filepath.Glob(filepath.Join(dir, "*", "live", "film", "*", "[^.]*.mp4"))
		return err == nil && len(files) == 1
	}, patience, 10*time.Millisecond)
	rel, err := filepath.Rel(filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(files[0])))), files[0])
	require.NoError(t, err)
	return "rtsp://" + o.rtsp + "/" + filepath.ToSlash(filepath.Join("record", rel))
}

// audience watches what is pulled, and sees that stamps grow.
type audience struct {
	t      *testing.T
	reader *media.Reader[*media.Packet]
	last   *media.Packet
	whole  bool // no picture may be missing
}

func (a *audience) next() (number int) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	for {
		var one [1]*media.Packet
		_, err := a.reader.ReadBatch(ctx, one[:])
		require.NoError(a.t, err)
		p := one[0]
		if !p.Track.Codec.Video() {
			continue
		}
		if a.last != nil {
			require.Greater(a.t, p.DTS, a.last.DTS)
			require.Less(a.t, p.DTS-a.last.DTS, 2*time.Second, "no viewer waits for a gap")
		}
		a.last = p
		return numberOf(a.t, p.Data)
	}
}

// until reads up to a picture, and returns the number of the one before.
func (a *audience) until(number int) (before int) {
	a.t.Helper()
	for {
		n := a.next()
		if n == number {
			return before
		}
		before = n
	}
}

// run reads so many pictures, which follow each other, and returns their distance.
func (a *audience) run(n int) time.Duration {
	a.t.Helper()
	first := a.next()
	from, number := a.last.PTS, first
	for range n {
		at := a.next()
		if a.whole {
			require.Equal(a.t, number+1, at)
		}
		require.Greater(a.t, at, number)
		number = at
	}
	return (a.last.PTS - from) / time.Duration(number-first)
}

// A recording of another server is pulled, sought, sped up and paused, and who watches sees the right pictures without a jump.
func TestPullOfARecording(t *testing.T) {
	for name, transport := range map[string]rtsp.Transport{"TCP": rtsp.TCP, "UDP": rtsp.UDP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
			url := recording(t, o)
			m, r := newRelay(t, Config{})
			ctx := t.Context()
			require.ErrorIs(t, r.Seek(ctx, edge, 0), ErrNotFound)
			require.NoError(t, r.Pull(ctx, PullRequest{
				Stream: edge, URL: url, Transport: transport, Retry: Retry{MediaTimeout: 2 * time.Second, MaxRetries: -1},
			}))
			st, ok := m.Stream(edge)
			require.True(t, ok)
			a := &audience{t: t, reader: st.Read(), whole: transport == rtsp.TCP}
			defer a.reader.Close()
			require.InDelta(t, 40*time.Millisecond, a.run(20), float64(time.Millisecond))

			require.NoError(t, r.Seek(ctx, edge, 25*time.Second+300*time.Millisecond))
			require.Less(t, a.until(600), 200, "the key frame at 24 s")
			require.InDelta(t, 40*time.Millisecond, a.run(20), float64(time.Millisecond))

			require.NoError(t, r.SetSpeed(ctx, edge, 2))
			require.NoError(t, r.Seek(ctx, edge, 8*time.Second))
			a.until(200)
			a.run(20)
			require.InDelta(t, 20*time.Millisecond, a.run(100), float64(time.Millisecond), "so who watches sees them twice as fast")

			require.NoError(t, r.Pause(ctx, edge))
			time.Sleep(3 * time.Second) // more than MediaTimeout
			s := r.Pulls()[0]
			require.Equal(t, Playing, s.State)
			require.True(t, s.Paused)
			require.Zero(t, s.Retries)
			received := s.TotalBytes
			require.NoError(t, r.SetSpeed(ctx, edge, 1))
			require.False(t, r.Pulls()[0].Paused)
			a.run(100) // over the pause
			require.InDelta(t, 40*time.Millisecond, a.run(20), float64(time.Millisecond))
			require.Greater(t, r.Pulls()[0].TotalBytes, received)

			refused := r.Seek(ctx, edge, time.Hour)
			require.ErrorContains(t, refused, "457")
			a.run(20)
			require.True(t, slices.ContainsFunc(r.Pulls(), func(s Status) bool { return s.State == Playing && s.Retries == 0 }))
			require.True(t, r.StopPull(edge.String()))
			require.ErrorIs(t, r.Pause(ctx, edge), ErrNotFound)
		})
	}
}

// A pull at a speed begins at it, and one that cannot be controlled says so.
func TestPullAtASpeed(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	url := recording(t, o)
	o.publish(t)
	m, r := newRelay(t, Config{})
	require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: url, Speed: 4}))
	st, ok := m.Stream(edge)
	require.True(t, ok)
	a := &audience{t: t, reader: st.Read(), whole: true}
	defer a.reader.Close()
	require.InDelta(t, 10*time.Millisecond, a.run(200), float64(time.Millisecond))
	require.Error(t, r.Pull(t.Context(), PullRequest{Stream: media.StreamKey{App: "a", Name: "b"}, URL: url, Speed: 100}))

	other := media.StreamKey{App: "edge", Name: "other"}
	require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: other, URL: "rtmp://" + o.rtmp + "/live/cam"}))
	require.ErrorIs(t, r.SetSpeed(t.Context(), other, 2), ErrNoControl)
}

// A pull of a recording whose line breaks goes on where it was when it is back, and where it was sought.
func TestRecordingGoesOn(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	url := recording(t, o)
	addr, cut := breakable(t, o.rtsp)
	m, r := newRelay(t, Config{})
	require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: strings.Replace(url, o.rtsp, addr, 1)}))
	st, ok := m.Stream(edge)
	require.True(t, ok)
	a := &audience{t: t, reader: st.Read()}
	defer a.reader.Close()
	back := func(retries int) {
		cut()
		require.Eventually(t, func() bool { return r.Pulls()[0].Retries == retries && r.Pulls()[0].State == Playing }, patience, time.Millisecond)
	}
	a.until(70)
	back(1)
	a.until(100)
	require.NoError(t, r.Seek(t.Context(), edge, 24*time.Second))
	a.until(610)
	back(2)
	n := a.next()
	for range 20 {
		require.GreaterOrEqual(t, n, 550)
		n = a.next()
	}
}

// breakable is another address of a server. cut resets all connections to it.
func breakable(t *testing.T, to string) (addr string, cut func()) {
	t.Helper()
	ln := listen(t, "127.0.0.1:0")
	var mu sync.Mutex
	var lines []*line
	var serving sync.WaitGroup
	cut = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, l := range lines {
			l.reset()
		}
	}
	serving.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			l := &line{client, server}
			mu.Lock()
			lines = append(lines, l)
			mu.Unlock()
			serving.Go(func() { _, _ = io.Copy(server, client) })
			serving.Go(func() { _, _ = io.Copy(client, server) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		cut()
		serving.Wait()
	})
	return ln.Addr().String(), cut
}
