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

// A seek in a file that is gone fails, and ends nothing.
func TestSeekInAFileThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{})
		files := s.recorded(2)
		paths := []string{files[0].FilePath, files[1].FilePath}
		key := media.StreamKey{VHost: hook.DefaultVHost, App: "vod", Name: "x"}
		_, err := s.r.Load(t.Context(), LoadRequest{Stream: key, Paths: paths})
		require.NoError(t, err)
		require.NoError(t, os.Truncate(paths[0], 5000))
		require.NoError(t, os.Remove(paths[1]))
		require.Error(t, s.r.Seek(t.Context(), key, 7*time.Second))
		_ = s.r.Seek(t.Context(), key, time.Second) // it is still open
		time.Sleep(time.Minute)
		_, ok := s.m.Stream(key)
		require.False(t, ok, "it has ended where the file does")
		s.closesAll()
	})
}

// One file that cannot be played does not spoil a directory.
func TestDirectoryWithABadFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{})
		files := s.recorded(2)
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(files[0].FilePath), "0.mp4"), nil, 0o600))
		p, err := s.play("live/cam/" + filepath.Base(filepath.Dir(files[0].FilePath)))
		require.NoError(t, err)
		defer p.Close(nil)
		length, _ := p.Private()
		require.InDelta(t, 12, length.Seconds(), 0.2)
	})
}

// Who asks for a file that is no film is told so.
func TestBadFileIsRefusedInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{})
		files := s.recorded(1)
		require.NoError(t, os.WriteFile(files[0].FilePath, []byte("no film"), 0o600))
		_, err := s.play(strings.TrimPrefix(files[0].URL, "record/"))
		require.Equal(t, "the file cannot be played", hook.PeerText(err))
	})
}

// Pictures that are far apart are all recorded, in one file.
func TestSlowVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{})
		tracks, packets := reel.Load(t, testmedia.H264())
		pub := s.publish(tracks[:1])
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
		var slow []*media.Packet
		for _, p := range packets {
			if p.Track == tracks[0] {
				x := *p
				x.DTS, x.PTS = x.DTS*100, x.PTS*100 // 4 s apart, a key frame every 200 s
				slow = append(slow, &x)
			}
		}
		require.True(t, tracks[0].Codec.Video())
		write(t, pub, slow, 0, 1)
		pub.Close(nil)
		_, list := readFile(t, s.obs.await(t, 1)[0].FilePath)
		require.Equal(t, ofKind(slow, true), ofKind(list, true))
	})
}

// A recording whose name is taken gets another: nothing is written over.
func TestNameIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{})
		tracks, packets := reel.Load(t, testmedia.H264())
		pub := s.publish(tracks)
		write(t, pub, packets, 6*time.Second, 1)
		st, _ := s.m.Stream(s.key)
		for range 3 { // all begin with the same key frame
			require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
			synctest.Wait()
			require.NoError(t, s.r.Stop(t.Context(), s.key, MP4))
		}
		told := s.obs.await(t, 3)
		require.NotEqual(t, told[0].FilePath, told[1].FilePath)
		require.NotEqual(t, told[1].FilePath, told[2].FilePath)
		require.NotEqual(t, told[0].FilePath, told[2].FilePath)
		for _, ev := range told {
			require.FileExists(t, ev.FilePath)
		}
		require.NotNil(t, st)
	})
}

// A directory that somebody removes under a recording is made again.
func TestDirectoryIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notes := &troubles{}
		s := newStage(t, Config{Notify: notes.note})
		tracks, packets := reel.Load(t, testmedia.H264())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
		write(t, pub, packets, 6*time.Second, 1)
		require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "record")))
		var rest []*media.Packet
		for i := range 2 {
			for _, p := range packets {
				x := *p
				x.DTS, x.PTS = x.DTS+time.Duration(i+1)*6*time.Second, x.PTS+time.Duration(i+1)*6*time.Second
				rest = append(rest, &x)
			}
		}
		write(t, pub, rest, 0, 1)
		pub.Close(nil)
		require.Greater(t, s.obs.await(t, 1)[0].Length, 6*time.Second)
		require.Equal(t, []What{Failed, Resumed}, notes.whats())
		require.ErrorIs(t, notes.list[0].Err, os.ErrNotExist)
	})
}

// Who has a recording to finish has it alone, and a crash after a cut costs the file before it nothing.
func TestTwoRecorders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{FinishRate: 20_000})
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, MaxDuration: 4 * time.Second}))
		write(t, pub, packets[:len(packets)*3/4], 0, 1) // 4.5 s
		synctest.Wait()
		files := hiddenFiles(t, s.dir)
		require.Len(t, files, 2)
		_, list := readFile(t, files[0])
		require.Equal(t, ofKind(packets, true)[:100], ofKind(list, true), "it has all pictures up to the cut")

		pub.Close(nil)
		synctest.Wait()
		other, err := New(s.m, Config{Dir: s.dir, FinishRate: -1})
		require.NoError(t, err)
		require.NoError(t, other.Shutdown(t.Context()))
		require.NotEmpty(t, hiddenFiles(t, s.dir), "the first is at work still")
		require.Len(t, s.obs.await(t, 2), 2)
		require.Empty(t, hiddenFiles(t, s.dir))
	})
}

// What a power cut has damaged in the middle is missing; what is behind it is not.
func TestDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{Fragmented: true})
		file := s.recorded(1)[0].FilePath
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, before := readFile(t, file)
		at := 0
		for range 5 {
			at += 8 + bytes.Index(data[at+8:], []byte("moof"))
		}
		copy(data[at-4:], make([]byte, 4100))
		dir := filepath.Join(s.dir, "record/live/cam/2000-01-01")
		require.NoError(t, os.WriteFile(hidden(dir, "2000-01-01-09-00-00-0.mp4"), data, 0o600))
		require.NoError(t, os.Remove(file))
		other, err := New(s.m, Config{Dir: s.dir})
		require.NoError(t, err)
		require.NoError(t, other.Shutdown(t.Context()))
		found, err := other.Library().List(t.Context(), Query{Stream: s.key, Period: "2000-01-01"})
		require.NoError(t, err)
		require.NotEmpty(t, found.Names)
		_, after := readFile(t, filepath.Join(dir, found.Names[0]))
		require.Greater(t, len(ofKind(after, true)), len(ofKind(before, true))*2/3)
		require.Equal(t, ofKind(before, true)[len(ofKind(before, true))-10:], ofKind(after, true)[len(ofKind(after, true))-10:])
	})
}

// What a crash has left in another directory is finished, too.
func TestOtherDirectories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{FinishRate: 1})
		other := t.TempDir()
		tracks, packets := reel.Load(t, testmedia.H264())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, Dir: other}))
		write(t, pub, packets, 0, 1)
		pub.Close(nil)
		synctest.Wait()
		require.NoError(t, s.r.Close())
		require.NotEmpty(t, hiddenFiles(t, other))
		r, err := New(s.m, Config{Dir: s.dir, FinishRate: -1})
		require.NoError(t, err)
		require.NoError(t, r.Shutdown(t.Context()))
		require.Empty(t, hiddenFiles(t, other))
		require.Len(t, s.obs.await(t, 1), 1)
	})
}
