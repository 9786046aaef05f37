package record

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that is killed loses no more than a second of what it records by HLS: at the next start the running segment is finished and its
// playlist ended; again changes nothing.
func TestKilledHLS(t *testing.T) {
	for _, kind := range []Kind{HLS, HLSFMP4} {
		t.Run(kind.String(), func(t *testing.T) {
			killMany(t, 15, func(t *testing.T) time.Duration { return killHLS(t, kind) })
		})
	}
}

// killHLS kills a process that records by HLS at a random time, and returns how much of the stream is not in its segments.
func killHLS(t *testing.T, kind Kind) time.Duration {
	dir := t.TempDir()
	reached := recordUntilKilled(t, dir, kind, 2600*time.Millisecond)
	listed := len(segmentsIn(t, dir, kind))
	s := newStage(t, Config{Dir: dir})
	require.NoError(t, s.r.Shutdown(t.Context()))
	kept := finishedHLS(t, dir, kind)
	all := segmentsIn(t, dir, kind)
	told := s.obs.await(t, len(all)-listed)
	for i, ev := range told {
		x := all[listed+i]
		require.Equal(t, s.key, ev.Stream)
		require.Equal(t, x.path, ev.FilePath)
		require.InDelta(t, x.lasts.Seconds(), ev.Length.Seconds(), 0.001)
		require.WithinDuration(t, x.begins, ev.Start, time.Millisecond)
		require.Equal(t, filepath.Join(dir, "live/cam"), ev.Folder)
		require.Equal(t, filepath.Join(ev.Folder, ev.FileName), ev.FilePath)
		require.Equal(t, "live/cam/"+ev.FileName, ev.URL)
	}

	want := tree(t, dir)
	again := newStage(t, Config{Dir: dir})
	require.NoError(t, again.r.Shutdown(t.Context()))
	require.Empty(t, again.obs.told)
	require.Equal(t, want, tree(t, dir))
	return reached - kept
}

// listedSegment is a segment as a playlist tells of it.
type listedSegment struct {
	path   string
	begins time.Time
	lasts  time.Duration
	breaks bool
}

// segmentsIn returns what the playlists below a directory list.
func segmentsIn(t *testing.T, dir string, kind Kind) (list []listedSegment) {
	t.Helper()
	name, _ := filesOf(kind)
	paths, err := filepath.Glob(filepath.Join(dir, "live/cam/*/*", name))
	require.NoError(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		x := listedSegment{}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			if at, ok := strings.CutPrefix(line, "#EXT-X-PROGRAM-DATE-TIME:"); ok {
				x.begins, err = time.Parse(time.RFC3339, at)
			}
			if lasts, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
				x.lasts, err = time.ParseDuration(strings.TrimSuffix(lasts, ",") + "s")
			}
			require.NoError(t, err)
			x.breaks = x.breaks || line == "#EXT-X-DISCONTINUITY"
			if line != "" && line[0] != '#' {
				x.path = filepath.Join(filepath.Dir(path), line)
				list = append(list, x)
				x = listedSegment{}
			}
		}
	}
	return list
}

// finishedHLS checks that all that is recorded below a directory is finished and can be played, and returns how much that is.
func finishedHLS(t *testing.T, dir string, kind Kind) (length time.Duration) {
	t.Helper()
	pictures := 0
	for _, list := range endedHLS(t, dir, kind) {
		pictures += picturesIn(t, list)
	}
	for _, x := range segmentsIn(t, dir, kind) {
		length += x.lasts
	}
	require.InDelta(t, length/picture25, pictures, 3)
	return length
}

// endedHLS checks that the playlists below a directory are ended, and that the segments beside them are those that they list. It returns the
// playlists.
func endedHLS(t *testing.T, dir string, kind Kind) (lists []string) {
	t.Helper()
	require.Empty(t, hiddenSegments(t, dir))
	name, suffix := filesOf(kind)
	lists, err := filepath.Glob(filepath.Join(dir, "live/cam/*/*", name))
	require.NoError(t, err)
	for _, list := range lists {
		text, err := os.ReadFile(list)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), endOfList), "%s", text)
		require.True(t, strings.HasSuffix(string(text), endOfList), "%s", text)
	}
	named := map[string]bool{}
	for _, x := range segmentsIn(t, dir, kind) {
		require.FileExists(t, x.path)
		named[x.path] = true
	}
	files, err := filepath.Glob(filepath.Join(dir, "live/cam/*/*/*"+suffix))
	require.NoError(t, err)
	for _, file := range files {
		if !strings.Contains(file, initSuffix) {
			require.True(t, named[file], file)
		}
	}
	return lists
}

// picture25 is how long a picture of the clips lasts.
const picture25 = 40 * time.Millisecond

// picturesIn decodes all that a playlist has, and returns how many pictures that are. Nothing may be amiss.
func picturesIn(t *testing.T, list string) (n int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffprobe", "-v", "warning", "-count_frames", "-show_entries", "stream=codec_type,nb_read_frames",
		"-of", "csv=p=0", list)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	for line := range strings.Lines(said.String()) { // it says that of each EXT-X-MAP but the first
		require.Contains(t, line, "Found duplicated MOOV Atom")
	}
	for line := range strings.Lines(string(out)) {
		if count, ok := strings.CutPrefix(strings.TrimSpace(line), "video,"); ok {
			n, err = strconv.Atoi(count)
			require.NoError(t, err)
			return n
		}
	}
	require.Fail(t, "no pictures")
	return 0
}

// hiddenSegments returns the hidden files below a directory, but for what the recorder remembers.
func hiddenSegments(t *testing.T, dir string) (list []string) {
	t.Helper()
	for _, name := range hiddenFiles(t, dir) {
		if filepath.Base(name) != hlsRootsFile {
			list = append(list, name)
		}
	}
	return list
}

// tree returns all files below a directory, and what is in them.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			var b []byte
			b, err = os.ReadFile(name)
			all[name] = string(b)
		}
		return err
	}))
	return all
}
