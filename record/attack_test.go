package record

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// A virtual host is one folder below that of recordings, and none that is hidden or elsewhere.
func TestVirtualHostsStayBelow(t *testing.T) { synctest.Test(t, testVirtualHostsStayBelow) }

func testVirtualHostsStayBelow(t *testing.T) {
	s := newStage(t, Config{})
	begun, _ := s.roll(true)
	file := s.obs.told[0].FilePath
	day := filepath.Join("live", "cam", filepath.Base(filepath.Dir(file)))
	for _, folder := range []string{"private", ".hid", filepath.Join("record", "b.example"), "record/.hid"} {
		require.NoError(t, os.MkdirAll(filepath.Join(s.dir, folder, day), 0o755))
		require.NoError(t, os.Link(file, filepath.Join(s.dir, folder, day, filepath.Base(file))))
	}
	query := "?from=" + strconv.FormatInt(begun.Unix()-1, 10)
	for vhost, code := range map[string]int{
		"": 200, "b.example": 200, "c.example": 404, "..": 404, "../private": 404, "x/../../private": 404, "x/../../.hid": 404, ".hid": 404,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/record/live/cam"+query, nil)
		s.r.Library().ServeVHost(w, r, vhost)
		require.Equal(t, code, w.Code, "%q: %s", vhost, w.Body)
		p, err := s.m.Play(t.Context(), media.PlayRequest{
			Stream: media.StreamKey{VHost: vhost, App: "record", Name: filepath.ToSlash(filepath.Join(day, filepath.Base(file)))}, Schema: "rtmp",
		})
		if code == 404 {
			require.Error(t, err, vhost)
			_, _, err = s.r.Library().Delete(t.Context(), Query{Stream: media.StreamKey{VHost: vhost, App: "live", Name: "cam"}}, "")
			require.True(t, err != nil || vhost == "c.example", vhost)
			continue
		}
		require.NoError(t, err, vhost)
		p.Close(nil)
	}
	require.FileExists(t, filepath.Join(s.dir, "private", day, filepath.Base(file)))
}

// What is no plain file of the folder is not found, at once: pipes, links that lead out, what is hidden.
func TestOnlyFilesOfTheFolder(t *testing.T) { synctest.Test(t, testOnlyFilesOfTheFolder) }

func testOnlyFilesOfTheFolder(t *testing.T) {
	s := newStage(t, Config{})
	s.roll(true)
	file := s.obs.told[0].FilePath
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	outside := filepath.Join(t.TempDir(), "o.mp4")
	require.NoError(t, os.WriteFile(outside, data, 0o600))
	dir := filepath.Join(s.dir, "record", "live", "x")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "folder.mp4"), 0o755))
	makePipe(t, filepath.Join(dir, "pipe.mp4"))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link.mp4")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "dir")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".secret.mp4"), data, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "good.mp4"), data, 0o600))
	for name, code := range map[string]int{
		"good.mp4": 200, "folder.mp4": 404, "pipe.mp4": 404, "link.mp4": 404, "dir/o.mp4": 404, "secret.mp4": 404, ".secret.mp4": 404,
	} {
		require.Equal(t, code, s.ask("/record/live/x/"+name+".m3u8").Code, name)
		_, err := s.play("live/x/" + name)
		require.Equal(t, code == 200, err == nil, name)
	}
}

// A playlist is bounded, whatever goes on in its lines, and so is what is asked for at once of a file.
func TestBoundedAnswers(t *testing.T) { synctest.Test(t, testBoundedAnswers) }

func testBoundedAnswers(t *testing.T) {
	s := newStage(t, Config{})
	s.roll(true)
	name := s.obs.told[0].URL
	text := string(s.get("/" + name + ".m3u8"))
	for line := range strings.Lines(text) {
		if strings.HasSuffix(line, ".m4s\n") {
			s.get("/record/live/cam/" + filepath.Base(filepath.Dir(name)) + "/" + strings.TrimSpace(line))
		}
	}
	// Links to one file make a day of them: of 1,000 with a large query each line of the playlist is large.
	dir := filepath.Join(s.dir, "record", "live", "many", "2000-01-01")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	begins := s.obs.told[0].Start
	for i := range 990 {
		at := begins.Add(time.Duration(i) * time.Second)
		require.NoError(t, os.Link(s.obs.told[0].FilePath, filepath.Join(dir, at.Local().Format(nameLayout)+"-0.mp4")))
	}
	w := s.ask("/record/live/many.json?from=" + strconv.FormatInt(begins.Unix()-10, 10))
	require.Equal(t, http.StatusOK, w.Code)
	for i := range 20 {
		at := begins.Add(time.Duration(1000+i) * time.Second)
		require.NoError(t, os.Link(s.obs.told[0].FilePath, filepath.Join(dir, at.Local().Format(nameLayout)+"-0.mp4")))
	}
	require.Equal(t, http.StatusBadRequest, s.ask("/record/live/many.json?from="+strconv.FormatInt(begins.Unix()-10, 10)).Code)

	p := &playlist{library: s.r.Library(), ask: &ask{query: strings.Repeat("k", 7900)}}
	var err error
	for range 10_000 {
		if err = p.file(&cut{path: s.obs.told[0].FilePath}); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, errTooMany)
	require.Less(t, p.text.Len(), longestText+10_000)
}

// Of files that are not finished only the newest still grows: what the others have does not wait for that.
func TestUnfinishedFilesAreWhole(t *testing.T) { synctest.Test(t, testUnfinishedFilesAreWhole) }

func testUnfinishedFilesAreWhole(t *testing.T) {
	s := newStage(t, Config{})
	begun, _ := s.roll(true)
	target := "/record/live/cam?from=" + strconv.FormatInt(begun.Unix()-1, 10)
	whole := string(s.get(target))
	for _, told := range s.obs.told[3:] {
		require.NoError(t, os.Rename(told.FilePath, hidden(filepath.Split(told.FilePath))))
	}
	open := string(s.get(target))
	require.NotContains(t, open, "#EXT-X-ENDLIST")
	require.True(t, strings.HasPrefix(whole, open), "%s\n%s", whole, open)
	require.Equal(t, strings.Count(whole, "#EXTINF")-1, strings.Count(open, "#EXTINF"))

	// After a day the playlist is complete, and not refused.
	time.Sleep(25 * time.Hour)
	require.Contains(t, string(s.get(target)), "#EXT-X-ENDLIST")
}

// A file that is replaced while it is sent is not taken for the old one; one that is being sent is not deleted for its age.
func TestSendsTheSameFile(t *testing.T) { synctest.Test(t, testSendsTheSameFile) }

func testSendsTheSameFile(t *testing.T) {
	s := newStage(t, Config{})
	s.roll(true)
	path := s.obs.told[0].FilePath
	b, err := s.r.shelf.take(path)
	require.NoError(t, err)
	defer s.r.shelf.giveBack(b)
	r := &reading{}
	defer r.close()
	p := &passage{b.key, b.info, r}
	_, err = p.ReadAt(make([]byte, 10), 0)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".new", data, 0o600))
	require.NoError(t, os.Chtimes(path+".new", b.key.modified, b.key.modified))
	require.NoError(t, os.Rename(path+".new", path))
	other := &reading{}
	_, err = (&passage{b.key, b.info, other}).ReadAt(make([]byte, 10), 0)
	require.ErrorIs(t, err, errChanged)
	failed, err := other.failed()
	require.ErrorIs(t, err, errChanged)
	require.Equal(t, path, failed)
	other.close()
	_, err = (&passage{b.key, b.info, other}).ReadAt(make([]byte, 10), 0)
	require.ErrorIs(t, err, os.ErrClosed)

	looked, err := s.r.shelf.take(s.obs.told[1].FilePath)
	require.NoError(t, err)
	s.r.shelf.giveBack(looked)
	require.False(t, s.r.shelf.has(s.obs.told[1].FilePath), "it was only looked at")
	s.get("/" + s.obs.told[1].URL + "/head.mp4")
	require.True(t, s.r.shelf.has(s.obs.told[1].FilePath), "more of it is to be fetched")
	time.Sleep(keepTime + time.Second)
	require.False(t, s.r.shelf.has(s.obs.told[1].FilePath))

	require.False(t, s.r.shelf.has("/x.mp4"))
	done := s.r.shelf.sends("/x.mp4")
	also := s.r.shelf.sends("/x.mp4")
	done()
	require.True(t, s.r.shelf.has("/x.mp4"))
	also()
	require.False(t, s.r.shelf.has("/x.mp4"))
	require.Empty(t, s.r.shelf.sent)
}

// Clients that leave in the middle of several ranges leave nothing open. The race detector looks on.
func TestLeavesSeveralRanges(t *testing.T) {
	s := newStage(t, Config{Dir: t.TempDir()})
	var begun time.Time
	synctest.Test(t, func(t *testing.T) {
		inner := newStage(t, Config{Dir: s.dir})
		begun, _ = inner.roll(true)
	})
	server := httptest.NewServer(s.r.Library())
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	for i := range 50 {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = io.WriteString(c, "GET /record/live/cam.mp4?from="+strconv.FormatInt(begun.Unix(), 10)+"&to="+strconv.FormatInt(begun.Unix()+18, 10)+
			" HTTP/1.1\r\nHost: h\r\nRange: bytes=0-200000,300000-400000,100-200\r\n\r\n")
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, c, int64(i*500))
		require.NoError(t, err)
		c.Close()
	}
	require.Eventually(t, func() bool { return s.r.library.downloads.count() == 0 }, 20*time.Second, time.Millisecond)
}

// Where the clock was put back an hour there are two files of one hour, and neither is missed.
func TestBetween(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2026, 10, 25, h, m, 0, 0, time.Local) }
	list := []string{"2026-10-25-00-50-00-0.mp4", "2026-10-25-02-50-00-0.mp4", "2026-10-25-02-55-00-1.mp4", "2026-10-25-09-00-00-2.mp4", "x.mp4"}
	require.Equal(t, list[:3], between(list, at(1, 55), at(2, 0)))
	require.Equal(t, list[2:4], between(list, at(8, 0), at(12, 0)))
	require.Equal(t, list[:3], between(list, at(1, 0), at(2, 0)))
}

// What is recorded twice is there once.
func TestOnce(t *testing.T) {
	at := time.Unix(1764280000, 0)
	span := func(path string, from, lasts int) Span {
		return Span{Path: path, Start: at.Add(time.Duration(from) * time.Second), Duration: time.Duration(lasts) * time.Second}
	}
	got := once([]Span{span("a", 0, 10), span("b", 0, 10), span("c", 10, 10), span("d", 10, 10), span("e", 19, 10), span("f", 40, 1)})
	var paths []string
	for _, s := range got {
		paths = append(paths, s.Path)
	}
	require.Equal(t, []string{"a", "c", "e", "f"}, paths)
}
