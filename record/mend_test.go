package record

import (
	"bytes"
	"os"
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

// hlsKinds runs a test for both kinds of recordings by HLS.
func hlsKinds(t *testing.T, f func(*testing.T, Kind)) {
	t.Helper()
	for _, kind := range []Kind{HLS, HLSFMP4} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f(t, kind) })
		})
	}
}

// recordHLS records a stream of six seconds: three segments. It ends the server.
func recordHLS(t *testing.T, kind Kind) (s *stage) {
	t.Helper()
	s = newStage(t, Config{})
	tracks, packets := reel.Load(t, testmedia.H264B())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
	write(t, pub, packets, 6*time.Second, 1)
	pub.Close(nil)
	require.Len(t, s.obs.await(t, 3), 3)
	require.NoError(t, s.m.Shutdown(t.Context()))
	return s
}

// crashed makes of a recording that has ended one that a crash has cut in its last segment, of which so many bytes are there and what follows
// them is behind. It returns the hidden and the final name.
func crashed(t *testing.T, dir string, kind Kind, size int, behind []byte) (path, final, playlist string) {
	t.Helper()
	all := segmentsIn(t, dir, kind)
	last := all[len(all)-1]
	final = last.path
	e := entry{name: filepath.Base(final), begins: last.begins, broken: last.breaks}
	path = filepath.Join(filepath.Dir(final), hiddenSegment(&e))
	data, err := os.ReadFile(final)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(data[:min(size, len(data)):min(size, len(data))], behind...), 0o600))
	require.NoError(t, os.Remove(final))
	name, _ := filesOf(kind)
	playlist = filepath.Join(filepath.Dir(final), name)
	text, err := os.ReadFile(playlist)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	at := len(lines) - 5 // PROGRAM-DATE-TIME, EXTINF, the name, ENDLIST, and nothing
	require.NoError(t, os.WriteFile(playlist, []byte(strings.Join(lines[:at], "")), 0o600))
	return path, final, playlist
}

// begun begins a server anew where another has recorded, and ends it.
func begun(t *testing.T, dir string) []*hook.RecordEvent {
	t.Helper()
	s := newStage(t, Config{Dir: dir})
	require.NoError(t, s.r.Shutdown(t.Context()))
	require.NoError(t, s.m.Shutdown(t.Context()))
	return s.obs.told
}

// restore writes files as they were.
func restore(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

// Wherever a crash has cut a segment, and whatever a power cut has left behind it and behind the playlist, what is whole is finished.
func TestCutSegments(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := recordHLS(t, kind)
		whole := segmentsIn(t, s.dir, kind)
		data, err := os.ReadFile(whole[2].path)
		require.NoError(t, err)
		files := tree(t, s.dir)
		for _, size := range []int{0, 1, 100, 188, 1000, len(data) / 3, len(data) / 2, len(data) - 1, len(data)} {
			for behind, torn := range map[string]string{
				"": "", "abc": "#EXT-X-PROGRAM-DATE-TIME:2026-1", string(make([]byte, 5000)): string(make([]byte, 512)),
				"\x00": "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-11-28T14:00:00.000Z\n#EXTINF:2.0",
			} {
				restore(t, files)
				_, final, playlist := crashed(t, s.dir, kind, size, []byte(behind))
				text, err := os.ReadFile(playlist)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(playlist, append(text, torn...), 0o600))
				told := begun(t, s.dir)
				lists := endedHLS(t, s.dir, kind)
				now := segmentsIn(t, s.dir, kind)
				require.Equal(t, whole[:2], now[:2])
				if size < 1001 {
					require.Len(t, now, 2)
					require.Empty(t, told)
					continue
				}
				require.Len(t, now, 3)
				require.Len(t, told, 1)
				require.Equal(t, final, told[0].FilePath)
				require.Equal(t, s.key, told[0].Stream)
				require.Equal(t, whole[2].begins, now[2].begins)
				require.False(t, now[2].breaks)
				require.LessOrEqual(t, now[2].lasts, whole[2].lasts+25*time.Millisecond)
				require.InDelta(t, float64(whole[2].lasts)*float64(size)/float64(len(data)), float64(now[2].lasts), float64(time.Second))
				if behind == "" {
					got, err := os.ReadFile(final)
					require.NoError(t, err)
					require.True(t, bytes.HasPrefix(data, got))
					picturesIn(t, lists[0])
				}
			}
		}
	})
}

// What ends a segment can be cut at each step: the next start goes on from there.
func TestCrashInBetween(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := recordHLS(t, kind)
		want := tree(t, s.dir)
		path, final, playlist := crashed(t, s.dir, kind, 1<<20, nil)
		require.NoError(t, os.Link(path, final)) // it has its name, and is not entered
		require.Len(t, begun(t, s.dir), 1)
		endedHLS(t, s.dir, kind)
		require.Len(t, segmentsIn(t, s.dir, kind), 3)

		for step, leave := range []func(){
			func() { require.NoError(t, os.Link(final, path)) },   // it is entered
			func() { require.NoError(t, os.Rename(final, path)) }, // a power cut has undone its name
			func() {}, // the end is missing
			func() { require.NoError(t, os.WriteFile(path+newSuffix, nil, 0o600)) }, // the next segment has not begun
		} {
			restore(t, want)
			require.NoError(t, os.WriteFile(playlist, []byte(strings.TrimSuffix(want[playlist], endOfList)), 0o600))
			leave()
			require.Empty(t, begun(t, s.dir))
			require.Equal(t, want, tree(t, s.dir), step)
		}

		// Nothing was recorded but the beginning of a playlist.
		require.NoError(t, os.RemoveAll(filepath.Dir(playlist)))
		require.NoError(t, os.MkdirAll(filepath.Dir(playlist), 0o755))
		require.NoError(t, os.WriteFile(playlist, []byte(headOfList()[:30]), 0o600))
		require.Empty(t, begun(t, s.dir))
		require.NoDirExists(t, filepath.Dir(playlist))

		// A playlist of somebody else is left alone.
		require.NoError(t, os.MkdirAll(filepath.Dir(playlist), 0o755))
		const other = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\na.ts\n"
		require.NoError(t, os.WriteFile(playlist, []byte(other), 0o600))
		require.Empty(t, begun(t, s.dir))
		text, err := os.ReadFile(playlist)
		require.NoError(t, err)
		require.Equal(t, other, string(text))
	})
}

// A segment that cannot be entered has no name but the hidden one, and is entered when that works.
func TestEntersLater(t *testing.T) {
	dir := t.TempDir()
	open := func() *vod {
		f, err := lockVOD(filepath.Join(dir, "vod.m3u8"), true)
		require.NoError(t, err)
		v, err := newVOD(f, ".ts", false)
		require.NoError(t, err)
		return v
	}
	v := open()
	e := entry{name: "00-01_0.ts", begins: time.UnixMicro(1764280000123456), lasts: time.Second}
	path := filepath.Join(dir, hiddenSegment(&e))
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err := lockVOD(v.file.Name(), false)
	require.ErrorIs(t, err, ErrInUse)
	require.NoError(t, v.file.Close())
	require.Error(t, v.publish(path, &e))
	require.FileExists(t, path)
	require.NoFileExists(t, filepath.Join(dir, e.name))
	v = open()
	require.NoError(t, v.publish(path, &e))
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, []byte("another"), 0o600))
	require.ErrorIs(t, v.publish(path, &e), os.ErrExist)
	require.NoError(t, v.end())
	text, err := os.ReadFile(filepath.Join(dir, "vod.m3u8"))
	require.NoError(t, err)
	require.Equal(t, headOfList()+string(e.text())+endOfList, string(text))
}

// A recorder that comes back in the same hour finishes what the crash has left before it goes on, even if nobody has remembered where.
func TestGoesOnAfterACrash(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := recordHLS(t, kind)
		before := segmentsIn(t, s.dir, kind)
		data, err := os.ReadFile(before[2].path)
		require.NoError(t, err)
		crashed(t, s.dir, kind, len(data)/2, nil)
		require.NoError(t, os.Remove(filepath.Join(s.dir, "record", hlsRootsFile)))
		next := newStage(t, Config{Dir: s.dir})
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := next.publish(tracks)
		require.NoError(t, next.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
		write(t, pub, packets, 6*time.Second, 1)
		pub.Close(nil)
		told := next.obs.await(t, 4)
		require.NoError(t, next.m.Shutdown(t.Context()))
		picturesIn(t, endedHLS(t, s.dir, kind)[0])
		after := segmentsIn(t, s.dir, kind)
		require.Len(t, after, 6)
		for i, x := range after {
			require.Equal(t, i == 3, x.breaks, i)
			if i >= 2 {
				require.Equal(t, x.path, told[i-2].FilePath)
			}
		}
		require.Less(t, after[2].lasts, before[2].lasts)
	})
}

// What a living recorder writes is left alone by one that begins beside it.
func TestLivingRecorderIsLeftAlone(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := newStage(t, Config{})
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
		write(t, pub, packets[:len(packets)/2], 6*time.Second, 1)
		time.Sleep(100 * time.Millisecond)
		require.NotEmpty(t, hiddenSegments(t, s.dir))
		before := tree(t, s.dir)
		require.Empty(t, begun(t, s.dir))
		require.Equal(t, before, tree(t, s.dir))
		write(t, pub, packets[len(packets)/2:], 6*time.Second, 1)
		pub.Close(nil)
		require.NoError(t, s.m.Shutdown(t.Context()))
		require.Len(t, s.obs.told, 3)
		finishedHLS(t, s.dir, kind)
		for _, x := range segmentsIn(t, s.dir, kind) {
			require.False(t, x.breaks)
		}
	})
}

// Two that record one stream to one place at a time do not write one playlist. Who asks the second to is told that it cannot; where the options
// of the stream want it, it waits, says so, and says how much it has lost when it goes on.
func TestTwoOfOneHour(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := newStage(t, Config{})
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
		write(t, pub, packets[:len(packets)/2], 6*time.Second, 1)
		time.Sleep(100 * time.Millisecond)
		var events []Event
		cfg := Config{Dir: s.dir, KeepHLS: true, Notify: func(e Event) { events = append(events, e) }}
		other := newStage(t, cfg, func(c *media.Config) {
			c.Options = hook.StreamOptions{EnableHLS: new(false), EnableHLSFMP4: new(false)}
		})
		second := other.publish(tracks)
		request := Request{Stream: s.key, Kind: kind}
		require.ErrorIs(t, other.r.Start(t.Context(), request), ErrInUse)
		require.False(t, other.r.Recording(s.key, kind))
		second.Close(nil)

		third := newStage(t, cfg, func(c *media.Config) {
			c.Options = hook.StreamOptions{EnableHLS: new(kind == HLS), EnableHLSFMP4: new(kind == HLSFMP4)}
		})
		second = third.publish(tracks)
		write(t, second, packets, 6*time.Second, 1)
		require.True(t, third.r.Recording(s.key, kind))
		require.NoError(t, third.r.Start(t.Context(), request), "it is wanted already")
		pub.Close(nil)
		require.NoError(t, s.m.Shutdown(t.Context()))
		write(t, second, moved(packets, 6*time.Second), 6*time.Second, 1)
		second.Close(nil)
		require.NoError(t, third.m.Shutdown(t.Context()))
		require.Len(t, events, 2)
		require.ErrorIs(t, events[0].Err, ErrInUse)
		require.Equal(t, Resumed, events[1].What)
		picturesIn(t, endedHLS(t, s.dir, kind)[0])
		require.NotEmpty(t, third.obs.told)
		require.InDelta(t, len(packets), events[1].Lost, float64(len(packets))/2, "all but what came after the first had ended")
		require.Greater(t, events[1].Lost, uint64(len(packets)/2))
	})
}

// moved returns packets that are due later.
func moved(packets []*media.Packet, by time.Duration) (list []*media.Packet) {
	for _, p := range packets {
		x := *p
		x.DTS, x.PTS = x.DTS+by, x.PTS+by
		list = append(list, &x)
	}
	return list
}

// Recordings by HLS are looked for where the options have put them, and those of other virtual hosts are known as such.
func TestRootsOfHLS(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := newStage(t, Config{})
		elsewhere := t.TempDir()
		tracks, packets := reel.Load(t, testmedia.H264B())
		keys := []media.StreamKey{s.key, {VHost: "cams.example", App: "live", Name: "door/1"}, {VHost: hook.DefaultVHost, App: "live", Name: "door/2"}}
		var pubs []*media.Publisher
		for _, key := range keys {
			pub, err := s.m.Publish(t.Context(), media.PublishRequest{Stream: key, Schema: "rtmp"})
			require.NoError(t, err)
			require.NoError(t, pub.SetTracks(tracks...))
			require.NoError(t, s.r.Start(t.Context(), Request{Stream: key, Kind: kind, Dir: elsewhere}))
			pubs = append(pubs, pub)
		}
		for _, pub := range pubs {
			write(t, pub, packets, 6*time.Second, 1)
			pub.Close(nil)
		}
		require.NoError(t, s.m.Shutdown(t.Context()))
		want := tree(t, elsewhere)
		name, _ := filesOf(kind)
		for path, text := range want {
			if filepath.Base(path) != name {
				continue
			}
			lines := strings.SplitAfter(text, "\n")
			last := strings.TrimSpace(lines[len(lines)-3])
			at, err := time.Parse(time.RFC3339, strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-5]), "#EXT-X-PROGRAM-DATE-TIME:"))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines[:len(lines)-5], "")), 0o600))
			dir := filepath.Dir(path)
			require.NoError(t, os.Rename(filepath.Join(dir, last), filepath.Join(dir, hiddenSegment(&entry{name: last, begins: at}))))
		}
		told := begun(t, s.dir)
		require.Len(t, told, len(keys))
		for _, key := range keys {
			found := false
			for _, ev := range told {
				if ev.Stream == key {
					found = true
					require.Equal(t, key.App+"/"+key.Name+"/"+ev.FileName, ev.URL)
					require.Equal(t, filepath.Join(ev.Folder, filepath.FromSlash(ev.FileName)), ev.FilePath)
					require.FileExists(t, ev.FilePath)
				}
			}
			require.True(t, found, key)
		}
		require.Empty(t, hiddenFiles(t, elsewhere))
	})
}

// FuzzHour reads a playlist as a crash may have left it, and names of segments: what is taken of a playlist is taken again, and a name that is
// taken is written again as it was.
func FuzzHour(f *testing.F) {
	e := entry{name: "12-30_5.ts", begins: time.UnixMicro(1764280000123456), lasts: 2 * time.Second, broken: true, init: "12-30_5_init.ts"}
	f.Add([]byte(headOfList()+string(e.text())+endOfList), hiddenSegment(&e))
	f.Add([]byte(headOfList()+string(e.text())[:50]), ".00-00_0~1.mp4")
	f.Add([]byte("#EXTM3U\n\x00\n"), ".12-30_5.ts")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		l := parseList(text)
		require.True(t, bytes.HasPrefix(text, l.text))
		again := parseList(l.text)
		again.ended = l.ended
		require.Equal(t, l, again)
		require.Equal(t, l.init, filepath.Base(l.init + "x")[:len(l.init)])
		if e, ok := parseHidden(name); ok {
			require.Equal(t, name, hiddenSegment(&e))
			require.Equal(t, e.name, filepath.Base(e.name))
		}
	})
}

// What cannot be finished when a recording goes on in the same hour is finished by a recorder that begins later.
func TestUnfinishedIsFoundAgain(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := recordHLS(t, kind)
		data, err := os.ReadFile(segmentsIn(t, s.dir, kind)[2].path)
		require.NoError(t, err)
		path, final, playlist := crashed(t, s.dir, kind, len(data)/2, nil)
		require.NoError(t, os.WriteFile(final, []byte("in the way"), 0o600))
		next := newStage(t, Config{Dir: s.dir})
		next.leaves = true
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := next.publish(tracks)
		require.NoError(t, next.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
		write(t, pub, packets, 6*time.Second, 1)
		pub.Close(nil)
		require.Len(t, next.obs.await(t, 3), 3)
		_ = next.m.Shutdown(t.Context())
		require.FileExists(t, path)

		require.NoError(t, os.Remove(final))
		require.Len(t, begun(t, s.dir), 1)
		require.NoFileExists(t, path)
		require.FileExists(t, final)
		require.False(t, lacksEnd(playlist))
		require.Len(t, segmentsIn(t, s.dir, kind), 6)
	})
}

// A pipe, or a link to a file elsewhere, that is called like the playlist of an hour holds up and changes nothing.
func TestPlaylistThatIsNone(t *testing.T) {
	dir := t.TempDir()
	hour := filepath.Join(dir, "record", "live", "cam", "2026-11-28", "15")
	require.NoError(t, os.MkdirAll(hour, 0o700))
	makePipe(t, filepath.Join(hour, "vod.m3u8"))
	precious := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(precious, []byte("a\x00b"), 0o600))
	odd := []string{"vod.m3u8"}
	if err := os.Symlink(precious, filepath.Join(hour, "vod.fmp4.m3u8")); err == nil { // there are systems without links
		odd = append(odd, "vod.fmp4.m3u8")
	}
	for _, name := range odd {
		require.False(t, lacksEnd(filepath.Join(hour, name)))
		for _, create := range []bool{false, true} {
			_, err := lockVOD(filepath.Join(hour, name), create)
			require.ErrorIs(t, err, errNoList)
		}
	}
	text, err := os.ReadFile(precious)
	require.NoError(t, err)
	require.Equal(t, "a\x00b", string(text))
}
