package record

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// A stream is recorded by its options from its first moment on, and the recording counts as a viewer if they want that.
func TestRecordsByOptions(t *testing.T) {
	for _, player := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			s := newStage(t, Config{}, func(c *media.Config) {
				c.Options = hook.StreamOptions{EnableMP4: new(true), MP4AsPlayer: new(player), MP4SavePath: &dir, MP4MaxDuration: new(4 * time.Second)}
			})
			tracks, packets := reel.Load(t, testmedia.H264())
			pub := s.publish(tracks)
			require.True(t, s.source().IsRecordingMP4)
			write(t, pub, packets, 6*time.Second, 1)
			readers := 0
			if player {
				readers = 1
			}
			require.Equal(t, readers, s.source().TotalReaders)
			require.NoError(t, s.r.Stop(t.Context(), s.key, MP4))
			require.Zero(t, s.source().TotalReaders)
			require.False(t, s.source().IsRecordingMP4)
			pub.Close(nil)
			for _, ev := range s.obs.await(t, 2) {
				require.Contains(t, ev.FilePath, dir)
			}
		})
	}
}

// A clip begins before it is asked for, and ends after; its name is the one that was asked for.
func TestClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{}, func(c *media.Config) { c.Options = hook.StreamOptions{KeepFor: new(10 * time.Second)} })
		tracks, packets := reel.Load(t, testmedia.H264())
		pub := s.publish(tracks)
		write(t, pub, packets, 6*time.Second, 2)
		path, err := s.r.Clip(t.Context(), ClipRequest{Stream: s.key, Path: "alarm.mp4", Back: 5 * time.Second, Forward: 2 * time.Second})
		require.NoError(t, err)
		_, err = s.r.Clip(t.Context(), ClipRequest{Stream: s.key, Path: "../x.mp4"})
		require.ErrorIs(t, err, ErrBadPath)
		var rest []*media.Packet
		for _, p := range packets {
			x := *p
			x.DTS, x.PTS = x.DTS+12*time.Second, x.PTS+12*time.Second
			rest = append(rest, &x)
		}
		write(t, pub, rest, 0, 1)
		ev := s.obs.await(t, 1)[0]
		require.Equal(t, path, ev.FilePath)
		_, list := readFile(t, path)
		pictures := ofKind(list, true)
		all := ofKind(append(append(packets[:len(packets):len(packets)], packets...), packets...), true)
		// From the key frame at 6 s on, which is 5 s back or more, to 14 s.
		require.Equal(t, all[150:150+len(pictures)], pictures)
		require.InDelta(t, 8*25, len(pictures), 2)
		require.False(t, s.source().IsRecordingMP4, "it is no recording that goes on")
	})
}

// A clip begins before what the stream still has: the rest is in the files of its recording, the newest of which is being written.
func TestClipOfARecording(t *testing.T) {
	for name, source := range map[string]func() []byte{"H264": testmedia.H264, "B-frames": testmedia.H264B} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testClipOfARecording(t, source()) })
		})
	}
}

func testClipOfARecording(t *testing.T, flv []byte) {
	s := newStage(t, Config{})
	tracks, packets := reel.Load(t, flv)
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, MaxDuration: 7 * time.Second}))
	write(t, pub, packets, 6*time.Second, 5)
	_, err := s.r.Clip(t.Context(), ClipRequest{Stream: s.key, Path: "old.mp4", Back: 2 * time.Hour})
	require.ErrorIs(t, err, errLongBack)
	path, err := s.r.Clip(t.Context(), ClipRequest{Stream: s.key, Path: "alarm.mp4", Back: 20500 * time.Millisecond, Forward: 2 * time.Second})
	require.NoError(t, err)
	var rest []*media.Packet
	for _, p := range packets {
		x := *p
		x.DTS, x.PTS = x.DTS+30*time.Second, x.PTS+30*time.Second
		rest = append(rest, &x)
	}
	write(t, pub, rest, 0, 1)
	require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, time.Minute, time.Millisecond)
	_, list := readFile(t, path)
	var want []*media.Packet
	for range 6 {
		want = append(want, packets...)
	}
	for _, video := range []bool{true, false} {
		got, all := ofKind(list, video), ofKind(want, video)
		first := slices.Index(all, got[0])
		for first >= 0 && !slices.Equal(got, all[first:first+len(got)]) { // the clip repeats
			next := slices.Index(all[first+1:], got[0])
			require.GreaterOrEqual(t, next, 0, "what is in the clip is not in the stream")
			first += 1 + next
		}
		if video {
			require.Equal(t, (8-6)*25, first) // the key frame before 9.5 s
			require.InDelta(t, 24*25, len(got), 3)
		}
	}
	last := map[int]time.Duration{}
	for _, p := range list {
		require.LessOrEqual(t, p.DTS-last[p.Track.ID], 100*time.Millisecond)
		last[p.Track.ID] = p.DTS
	}
}
