package record

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// recorded records the clip of the tests so many times, in files of about four seconds, and returns them.
func (s *stage) recorded(times int) []*hook.RecordEvent {
	s.t.Helper()
	tracks, packets := reel.Load(s.t, testmedia.H264B())
	pub := s.publish(tracks)
	require.NoError(s.t, s.r.Start(s.t.Context(), Request{Stream: s.key, MaxDuration: 4 * time.Second}))
	write(s.t, pub, packets, 6*time.Second, times)
	pub.Close(nil)
	return s.obs.await(s.t, (times*6+3)/4)
}

// play plays a recording.
func (s *stage) play(name string) (*media.Player, error) {
	return s.m.Play(s.t.Context(), media.PlayRequest{
		Stream: media.StreamKey{App: "record", Name: name}, Schema: "rtmp",
	})
}

// closesAll requires that no file is open any more, soon.
func (s *stage) closesAll() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		s.r.shelf.mu.Lock()
		defer s.r.shelf.mu.Unlock()
		return len(s.r.shelf.books) == len(s.r.shelf.idle)
	}, 10*time.Second, time.Millisecond)
}

// read reads packets of a player until done says so, or the end.
func read(t *testing.T, p *media.Player, done func(*media.Packet) bool) (list []*media.Packet) {
	t.Helper()
	r := p.Read()
	defer r.Close()
	batch := make([]*media.Packet, 16)
	for {
		n, err := r.ReadBatch(t.Context(), batch)
		for _, x := range batch[:n] {
			list = append(list, x)
			if done(x) {
				return list
			}
		}
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
	}
}

// A recording is played to each viewer on its own, with seek, from one file or several.
func TestPlays(t *testing.T) { synctest.Test(t, testPlays) }

func testPlays(t *testing.T) {
	s := newStage(t, Config{})
	files := s.recorded(2)
	first := strings.TrimPrefix(files[0].URL, "record/")
	for _, name := range []string{first, first[:strings.LastIndexByte(first, '/')]} {
		p, err := s.play(name)
		require.NoError(t, err)
		list := read(t, p, func(x *media.Packet) bool { return x.DTS > 500*time.Millisecond })
		require.True(t, list[0].Key || list[1].Key)
		length, private := p.Private()
		require.True(t, private)
		if name != first {
			require.InDelta(t, 12, length.Seconds(), 0.2)
			at, err := p.Seek(t.Context(), 9*time.Second)
			require.NoError(t, err)
			require.InDelta(t, 8, at.Seconds(), 0.1)
			list = read(t, p, func(x *media.Packet) bool { return x.Key && x.DTS >= at })
			require.Equal(t, at, list[len(list)-1].DTS)
		}
		p.Close(nil)
	}
	s.closesAll()
	for _, name := range []string{"live/cam/none.mp4", "../x.mp4", "live/.hidden/x.mp4", "live/cam/../cam", first + ";" + "/etc/passwd", "a\x00b"} {
		_, err := s.play(name)
		require.ErrorIs(t, err, media.ErrStreamNotFound, name)
	}
}

// Load plays files as one stream for all, which is controlled from outside.
func TestLoad(t *testing.T) { synctest.Test(t, testLoad) }

func testLoad(t *testing.T) {
	s := newStage(t, Config{})
	files := s.recorded(2)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "vod", Name: "x"}
	length, err := s.r.Load(t.Context(), LoadRequest{Stream: key, Paths: []string{files[0].FilePath, files[1].FilePath}, Speed: 10})
	require.NoError(t, err)
	require.InDelta(t, 8, length.Seconds(), 0.2)
	st, ok := s.m.Stream(key)
	require.True(t, ok)
	require.Equal(t, hook.OriginMP4VOD, st.Source("rtmp").Origin)
	require.Equal(t, files[0].FilePath, st.Source("rtmp").OriginURL)
	_, err = s.r.Load(t.Context(), LoadRequest{Stream: key, Paths: []string{files[0].FilePath}})
	require.ErrorIs(t, err, media.ErrStreamExists)

	require.NoError(t, s.r.Pause(t.Context(), key))
	require.Error(t, s.r.Seek(t.Context(), key, time.Hour))
	require.NoError(t, s.r.Seek(t.Context(), key, 3*time.Second))
	require.Error(t, s.r.SetSpeed(t.Context(), key, 100))
	require.NoError(t, s.r.SetSpeed(t.Context(), key, 20))
	<-st.Done()
	require.ErrorIs(t, s.r.Pause(t.Context(), key), media.ErrStreamNotFound)
	s.closesAll()
	_, err = s.r.Load(t.Context(), LoadRequest{Stream: key, Paths: []string{"/nonexistent.mp4"}})
	require.Error(t, err)
}

// What is recorded can be listed and deleted, and nothing else.
func TestLibrary(t *testing.T) { synctest.Test(t, testLibrary) }

func testLibrary(t *testing.T) {
	s := newStage(t, Config{})
	files := s.recorded(2)
	l := s.r.Library()
	day := files[0].Start.Local().Format(dayLayout)
	var want []string
	for _, f := range files {
		want = append(want, f.FileName)
	}
	found, err := l.List(t.Context(), Query{Stream: s.key, Period: day})
	require.NoError(t, err)
	require.Equal(t, want, found.Names)
	for _, period := range []string{"", "20", day[:7], day[:4]} {
		found, err := l.List(t.Context(), Query{Stream: s.key, Period: period})
		require.NoError(t, err)
		require.Equal(t, []string{day}, found.Names)
	}
	found, err = l.List(t.Context(), Query{Stream: s.key, Period: "1999-01-01"})
	require.NoError(t, err)
	require.Empty(t, found.Names)

	for _, name := range []string{"../" + want[0], ".x.mp4", "/etc/passwd"} {
		_, _, err := l.Delete(t.Context(), Query{Stream: s.key, Period: day}, name)
		require.ErrorIs(t, err, ErrBadPath, name)
	}
	bad := s.key
	bad.Name = "../../x"
	_, _, err = l.Delete(t.Context(), Query{Stream: bad}, "")
	require.ErrorIs(t, err, ErrBadPath)

	path, n, err := l.Delete(t.Context(), Query{Stream: s.key, Period: day}, want[0])
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, files[0].FilePath, path)
	_, n, err = l.Delete(t.Context(), Query{Stream: s.key}, "")
	require.NoError(t, err)
	require.Equal(t, len(want)-1, n)
	_, n, err = l.Delete(t.Context(), Query{Stream: s.key}, "")
	require.NoError(t, err)
	require.Zero(t, n)
	require.NoDirExists(t, files[0].Folder)
}

// A time is played over all files that have some of it, from the key frame before it on.
func TestPlaysTime(t *testing.T) { synctest.Test(t, testPlaysTime) }

func testPlaysTime(t *testing.T) {
	s := newStage(t, Config{})
	tracks, packets := reel.Load(t, testmedia.H264B())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, MaxDuration: 4 * time.Second}))
	begun := time.Now()
	for i := range 3 * len(packets) {
		x := *packets[i%len(packets)]
		x.DTS += time.Duration(i/len(packets)) * 6 * time.Second
		x.PTS += time.Duration(i/len(packets)) * 6 * time.Second
		time.Sleep(time.Until(begun.Add(x.DTS)))
		require.NoError(t, pub.WritePacket(&x))
	}
	pub.Close(nil)
	files := s.obs.await(t, 5) // of 4 s, but for the last
	l := s.r.Library()
	from, to := files[0].Start.Add(2500*time.Millisecond), files[2].Start.Add(time.Second)
	spans, err := l.Timeline(t.Context(), s.key, from, to)
	require.NoError(t, err)
	require.Len(t, spans, 3)
	for i, span := range spans {
		require.Equal(t, files[i].FilePath, span.Path)
		require.Equal(t, files[i].Length, span.Duration)
		require.WithinDuration(t, files[i].Start, span.Start, time.Millisecond)
	}
	none, err := l.Timeline(t.Context(), s.key, from.Add(-time.Hour), from.Add(-time.Minute))
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = l.Timeline(t.Context(), s.key, to, from)
	require.Error(t, err)

	p, err := s.m.Play(t.Context(), media.PlayRequest{
		Stream: media.StreamKey{App: "record", Name: "live/cam"}, Schema: "rtmp",
		Params: "from=" + from.UTC().Format(time.RFC3339Nano) + "&to=" + to.UTC().Format(time.RFC3339Nano),
	})
	require.NoError(t, err)
	defer p.Close(nil)
	length, private := p.Private()
	require.True(t, private)
	require.InDelta(t, 2+4+1, length.Seconds(), 0.1)
	require.NoError(t, p.SetSpeed(t.Context(), 8))
	list := read(t, p, func(*media.Packet) bool { return false })
	pictures := func(list []*media.Packet) (data []string) { return ofKind(list, true) }
	got, all := pictures(list), pictures(append(packets[:len(packets):len(packets)], packets...))
	require.Equal(t, all[50:50+len(got)], got)
	require.InDelta(t, 7*25, len(got), 3)
	last := time.Duration(-1)
	for _, x := range list {
		if x.Track.Codec.Video() {
			require.Less(t, last, x.DTS)
			require.Less(t, x.DTS-last, 100*time.Millisecond)
			last = x.DTS
		}
	}
	for _, params := range []string{"from=x", "from=1", "from=9999999999"} {
		_, err := s.m.Play(t.Context(), media.PlayRequest{
			Stream: media.StreamKey{App: "record", Name: "live/cam"}, Schema: "rtmp", Params: params,
		})
		require.Error(t, err, params)
	}
}

// With exact=1 a player is at the very time it seeks. What a decoder needs before is there, in next to no time, and the sound is not.
func TestSeeksExactly(t *testing.T) { synctest.Test(t, testSeeksExactly) }

func testSeeksExactly(t *testing.T) {
	s := newStage(t, Config{})
	files := s.recorded(2)
	p, err := s.m.Play(t.Context(), media.PlayRequest{
		Stream: media.StreamKey{App: "record", Name: "live/cam/" + filepath.Base(filepath.Dir(files[0].FilePath))}, Schema: "rtmp", Params: "exact=1",
	})
	require.NoError(t, err)
	defer p.Close(nil)
	read(t, p, func(x *media.Packet) bool { return x.DTS > 500*time.Millisecond })
	const at = 6700 * time.Millisecond // in the second file
	got, err := p.Seek(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, at, got)
	seen := false
	list := read(t, p, func(x *media.Packet) bool {
		seen = seen || x.Key && x.DTS > at-100*time.Millisecond
		return seen && x.DTS > at+500*time.Millisecond
	})
	for len(list) > 0 && (!list[0].Key || list[0].DTS < at-100*time.Millisecond) {
		list = list[1:]
	}
	before, last := 0, time.Duration(0)
	for _, x := range list {
		if !x.Track.Codec.Video() {
			require.GreaterOrEqual(t, x.DTS, at)
			continue
		}
		require.Greater(t, x.DTS, last)
		require.GreaterOrEqual(t, x.PTS, x.DTS)
		last = x.DTS
		if x.DTS < at {
			before++
			require.Greater(t, x.DTS, at-10*time.Millisecond)
		}
	}
	require.InDelta(t, 700/40, before, 2)
}
