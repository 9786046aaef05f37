package record

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// logged is newStage whose log is kept.
func logged(t *testing.T, cfg Config) (*stage, *testlog.Buffer) {
	t.Helper()
	log := &testlog.Buffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return newStage(t, cfg, func(c *media.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) }), log
}

// film records a clip of six seconds with a recorder, and ends its server.
func film(t *testing.T, s *stage, kind Kind, told int, midway func()) {
	t.Helper()
	tracks, packets := reel.Load(t, testmedia.H264B())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Kind: kind}))
	half := len(packets) / 2
	write(t, pub, packets[:half], 6*time.Second, 1)
	if midway != nil {
		time.Sleep(100 * time.Millisecond)
		midway()
	}
	write(t, pub, packets[half:], 6*time.Second, 1)
	pub.Close(nil)
	require.Len(t, s.obs.await(t, told), told)
	require.NoError(t, s.m.Shutdown(t.Context()))
}

// Whole segments that are in no playlist, as somebody has shortened it, are counted in the log, and stay.
func TestShortenedPlaylist(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s := recordHLS(t, kind)
		before := segmentsIn(t, s.dir, kind)
		name, _ := filesOf(kind)
		playlist := filepath.Join(filepath.Dir(before[0].path), name)
		text, err := os.ReadFile(playlist)
		require.NoError(t, err)
		lines := strings.SplitAfter(string(text), "\n")
		at := len(lines) - 2 - 2*3 // a segment has three lines
		require.NoError(t, os.WriteFile(playlist, []byte(strings.Join(lines[:at], "")), 0o600))
		next, log := logged(t, Config{Dir: s.dir})
		film(t, next, kind, 3, nil)
		require.Contains(t, log.String(), "segments=2 first="+filepath.Base(before[1].path)+" last="+filepath.Base(before[2].path))
		require.Len(t, segmentsIn(t, s.dir, kind), 4)
		for _, x := range before {
			require.FileExists(t, x.path)
		}
	})
}

// A playlist that somebody removes, replaces or shortens while it is written costs no segment: the recording goes on with what there is of it.
func TestPlaylistIsMeddledWith(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		name, suffix := filesOf(kind)
		for how, meddle := range map[string]func(playlist string) error{
			"removed":   os.Remove,
			"shortened": func(playlist string) error { return os.Truncate(playlist, int64(len(headOfList())+20)) },
			"replaced": func(playlist string) error {
				require.NoError(t, os.WriteFile(playlist+".x", []byte("#EXTM3U\n"), 0o600))
				return os.Rename(playlist+".x", playlist)
			},
			"another": func(playlist string) error { return os.WriteFile(playlist, []byte("mine"), 0o600) },
		} {
			s, log := logged(t, Config{})
			playlist := ""
			film(t, s, kind, 3, func() {
				found, err := filepath.Glob(filepath.Join(s.dir, "live/cam/*/*", name))
				require.NoError(t, err)
				require.Len(t, found, 1)
				playlist = found[0]
				require.NoError(t, meddle(playlist))
			})
			require.Contains(t, log.String(), "somebody has changed or removed the playlist", how)
			all, err := filepath.Glob(filepath.Join(filepath.Dir(playlist), "*_[0-9]"+suffix))
			require.NoError(t, err)
			require.Len(t, all, 3, how)
			if how == "another" {
				text, err := os.ReadFile(playlist)
				require.NoError(t, err)
				require.Equal(t, "mine", string(text))
				playlist = filepath.Join(filepath.Dir(playlist), otherName(name, 1))
			} else {
				require.Contains(t, log.String(), "segments=1 ", how)
			}
			require.Equal(t, 100, picturesIn(t, playlist), how)
			text, err := os.ReadFile(playlist)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(text), endOfList), how)
			require.Empty(t, hiddenSegments(t, s.dir), how)
		}
	})
}

// A playlist of somebody else in the running hour stays as it is, and the recording has another beside it, which is finished after a crash, too.
func TestForeignPlaylist(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		s, log := logged(t, Config{})
		name, _ := filesOf(kind)
		dir := filepath.Join(s.dir, "live/cam", time.Now().Local().Format("2006-01-02/15"))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		foreign := filepath.Join(dir, name)
		const text = "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:2.000,\n00-00_0.ts\n"
		require.NoError(t, os.WriteFile(foreign, []byte(text), 0o600))
		film(t, s, kind, 3, nil)
		require.Contains(t, log.String(), "was not written by a recorder")
		require.NotContains(t, log.String(), "segments=")
		own := filepath.Join(dir, otherName(name, 1))
		require.Equal(t, 150, picturesIn(t, own))
		whole, err := os.ReadFile(own)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(own, whole[:len(whole)-len(endOfList)], 0o600))
		begun(t, s.dir)
		again, err := os.ReadFile(own)
		require.NoError(t, err)
		require.Equal(t, string(whole), string(again))
		now, err := os.ReadFile(foreign)
		require.NoError(t, err)
		require.Equal(t, text, string(now))
	})
}

// A segment of fragmented MP4 that a crash has left, and whose initialization segment is damaged, gone or not known, is kept.
func TestDamagedInit(t *testing.T) {
	hlsKinds(t, func(t *testing.T, kind Kind) {
		if kind == HLS {
			return
		}
		s := recordHLS(t, kind)
		files := tree(t, s.dir)
		inits, err := filepath.Glob(filepath.Join(s.dir, "live/cam/*/*/*"+initSuffix+".mp4"))
		require.NoError(t, err)
		require.Len(t, inits, 1)
		for how, damage := range map[string]func(playlist string) error{
			"zeros": func(string) error { return os.WriteFile(inits[0], make([]byte, 500), 0o600) },
			"gone":  func(string) error { return os.Remove(inits[0]) },
			"unknown": func(playlist string) error {
				return os.WriteFile(playlist, []byte(headOfList()+"#EXTINF:2.000,\n00-00_0.mp4\n"), 0o600)
			},
		} {
			restore(t, files)
			path, final, playlist := crashed(t, s.dir, kind, 1<<20, nil)
			require.NoError(t, damage(playlist))
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(final+asideSuffix, []byte("of another crash"), 0o600))
			require.Empty(t, begun(t, s.dir), how)
			require.NoFileExists(t, final)
			require.NoFileExists(t, path)
			kept, err := os.ReadFile(final + ".1" + asideSuffix)
			require.NoError(t, err, how)
			require.Equal(t, data, kept)
			require.NoError(t, os.Remove(final+".1"+asideSuffix))
		}
	})
}
