package record

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// ask asks the library by HTTP.
func (s *stage) ask(target string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.r.Library().ServeHTTP(w, r)
	return w
}

// get asks for what is to be there.
func (s *stage) get(target string) []byte {
	s.t.Helper()
	w := s.ask(target)
	require.Equal(s.t, http.StatusOK, w.Code, "%s: %s", target, w.Body)
	return w.Body.Bytes()
}

// watched is what a player gets by a playlist.
type watched struct {
	text     string
	target   time.Duration
	sum      time.Duration
	addrs    []string
	packets  [][]*media.Packet // of each file
	bytes    []byte            // of all segments, behind the first initialization segment
	complete bool
}

// watch reads a playlist and all that it names.
func (s *stage) watch(target string) (v watched) {
	s.t.Helper()
	v.text = string(s.get(target))
	base, err := url.Parse(target)
	require.NoError(s.t, err)
	fetch := func(ref string) []byte {
		v.addrs = append(v.addrs, ref)
		at, err := base.Parse(ref)
		require.NoError(s.t, err)
		return s.get(at.String())
	}
	var file []byte
	flush := func() {
		if file != nil {
			v.packets = append(v.packets, packetsOf(s.t, file))
		}
	}
	mapped := regexp.MustCompile(`^#EXT-X-MAP:URI="(.*)"$`)
	for line := range strings.Lines(v.text) {
		line = strings.TrimSuffix(line, "\n")
		switch m := mapped.FindStringSubmatch(line); {
		case m != nil:
			flush()
			if file = fetch(m[1]); v.bytes == nil {
				v.bytes = file[:len(file):len(file)]
			}
		case strings.HasPrefix(line, "#EXTINF:"):
			seconds, err := strconv.ParseFloat(strings.TrimSuffix(line[len("#EXTINF:"):], ","), 64)
			require.NoError(s.t, err)
			v.sum += time.Duration(seconds * float64(time.Second))
			require.LessOrEqual(s.t, seconds, v.target.Seconds())
		case strings.HasPrefix(line, "#EXT-X-TARGETDURATION:"):
			n, err := strconv.Atoi(line[len("#EXT-X-TARGETDURATION:"):])
			require.NoError(s.t, err)
			v.target = time.Duration(n) * time.Second
		case line == "#EXT-X-ENDLIST":
			v.complete = true
		case !strings.HasPrefix(line, "#"):
			b := fetch(line)
			file, v.bytes = append(file, b...), append(v.bytes, b...)
		}
	}
	flush()
	return v
}

// requireOneLine requires that the pictures of segments, put together, follow each other without a jump.
func requireOneLine(t *testing.T, file []byte) {
	t.Helper()
	last := time.Duration(-1)
	for _, p := range packetsOf(t, file) {
		if p.Track.Codec.Video() {
			if last >= 0 {
				require.InDelta(t, 40*time.Millisecond, p.DTS-last, float64(30*time.Millisecond))
			}
			last = p.DTS
		}
	}
}

// packetsOf reads an MP4 file.
func packetsOf(t *testing.T, data []byte) (list []*media.Packet) {
	t.Helper()
	f, err := mp4.Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for c := f.Cursor(); ; {
		p, err := c.ReadPacket()
		if err != nil {
			return list
		}
		list = append(list, p)
	}
}

// roll records five files of four seconds each, but for the last, and returns the packets of all.
func (s *stage) roll(end bool) (begun time.Time, all []*media.Packet) {
	s.t.Helper()
	tracks, packets := reel.Load(s.t, testmedia.H264B())
	pub := s.publish(tracks)
	require.NoError(s.t, s.r.Start(s.t.Context(), Request{Stream: s.key, MaxDuration: 4 * time.Second}))
	begun = time.Now()
	for i := range 3 * len(packets) {
		x := *packets[i%len(packets)]
		x.DTS += time.Duration(i/len(packets)) * 6 * time.Second
		x.PTS += time.Duration(i/len(packets)) * 6 * time.Second
		time.Sleep(time.Until(begun.Add(x.DTS)))
		require.NoError(s.t, pub.WritePacket(&x))
		all = append(all, &x)
	}
	if end {
		pub.Close(nil)
		s.obs.await(s.t, 5)
	} else {
		s.t.Cleanup(func() { pub.Close(nil) })
	}
	return begun, all
}

// A time of a stream is watched by HLS over all files that have some of it, and the token of a viewer goes on.
func TestWatchesTime(t *testing.T) { synctest.Test(t, testWatchesTime) }

func testWatchesTime(t *testing.T) {
	s := newStage(t, Config{})
	begun, all := s.roll(true)
	from, to := begun.Add(2500*time.Millisecond), begun.Add(9*time.Second)
	query := "from=" + from.UTC().Format(time.RFC3339Nano) + "&to=" + strconv.FormatFloat(float64(to.UnixMilli())/1000, 'f', 3, 64) + "&token=a%26b"
	for _, name := range []string{"/record/live/cam?", "/record/live/cam.m3u8?"} {
		v := s.watch(name + query)
		require.True(t, v.complete)
		require.Contains(t, v.text, "#EXT-X-PLAYLIST-TYPE:VOD\n")
		require.Equal(t, 2, strings.Count(v.text, "#EXT-X-DISCONTINUITY\n"))
		require.Equal(t, 3, strings.Count(v.text, "#EXT-X-PROGRAM-DATE-TIME:"))
		require.Contains(t, v.text, "#EXT-X-START:TIME-OFFSET=0.5")
		for _, addr := range v.addrs {
			require.Contains(t, addr, "?token=a%26b")
			require.True(t, strings.HasPrefix(addr, "cam/"), addr)
		}
		require.Len(t, v.packets, 3)
		requireOneLine(t, v.bytes)
		require.InDelta(t, 7, v.sum.Seconds(), 0.1)
		var got []string
		for _, list := range v.packets {
			require.True(t, list[0].Key || list[1].Key)
			got = append(got, ofKind(list, true)...)
		}
		want := ofKind(all, true)
		require.Equal(t, want[50:50+len(got)], got)
	}
	s.closesAll()
}

// A recording that ends soon after it was cut has no sound in its last file. A playlist leaves that out, since players give up where a
// track is gone; a list and a download do not.
func TestWatchesFileWithoutSound(t *testing.T) { synctest.Test(t, testWatchesFileWithoutSound) }

func testWatchesFileWithoutSound(t *testing.T) {
	s := newStage(t, Config{})
	tracks, packets := reel.Load(t, testmedia.H264B())
	begun := time.Now()
	last := slices.IndexFunc(packets, func(p *media.Packet) bool { return p.Key && p.Track.Codec.Video() && p.DTS > time.Second })
	silent := slices.DeleteFunc(slices.Clone(packets[last:last+10]), func(p *media.Packet) bool { return !p.Track.Codec.Video() })
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key, MaxDuration: time.Second}))
	all := slices.Concat(packets[:last], silent)
	write(t, pub, all, 0, 1)
	time.Sleep(time.Second)
	pub.Close(nil)
	told := s.obs.await(t, 2)
	query := "?from=" + strconv.FormatInt(begun.Unix(), 10)
	v := s.watch("/record/live/cam" + query)
	require.Len(t, v.packets, 1)
	require.True(t, v.complete)
	require.Equal(t, ofKind(packets[:last], true), ofKind(v.packets[0], true))
	require.Contains(t, string(s.get("/record/live/cam.json"+query)), told[1].URL[len("record/live/"):])
	require.Equal(t, ofKind(all, true), ofKind(packetsOf(t, s.get("/record/live/cam.mp4"+query)), true))
	require.Len(t, s.watch("/" + told[1].URL + ".m3u8").packets[0], len(silent))
	s.closesAll()
}

// A time of a stream is downloaded as one file, whole or in ranges.
func TestDownloadsTime(t *testing.T) { synctest.Test(t, testDownloadsTime) }

func testDownloadsTime(t *testing.T) {
	s := newStage(t, Config{})
	begun, all := s.roll(true)
	query := "?from=" + begun.Add(2500*time.Millisecond).Format("2006-01-02T15:04:05.000") + "&to=" + begun.Add(9*time.Second).Format(time.RFC3339)
	w := s.ask("/record/live/cam.mp4" + query)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "video/mp4", w.Header().Get("Content-Type"))
	require.Contains(t, w.Header().Get("Content-Disposition"), "attachment; filename=cam-")
	file := w.Body.Bytes()
	require.Equal(t, strconv.Itoa(len(file)), w.Header().Get("Content-Length"))
	list := packetsOf(t, file)
	got, want := ofKind(list, true), ofKind(all, true)
	require.Equal(t, want[50:50+len(got)], got)
	require.InDelta(t, 7*25, len(got), 2)
	last := list[0].DTS - 40*time.Millisecond
	for _, p := range list {
		if p.Track.Codec.Video() {
			require.InDelta(t, 40*time.Millisecond, p.DTS-last, float64(30*time.Millisecond)) // where files meet, sound may begin earlier
			last = p.DTS
		}
	}
	part := s.ask("/record/live/cam.mp4"+query, "Range", "bytes=1000-1999", "If-Range", w.Header().Get("ETag"))
	require.Equal(t, http.StatusPartialContent, part.Code)
	require.True(t, bytes.Equal(file[1000:2000], part.Body.Bytes()))
	require.Equal(t, http.StatusNotModified, s.ask("/record/live/cam.mp4"+query, "If-None-Match", w.Header().Get("ETag")).Code)
	s.closesAll()
}

// There is a bound to downloads, and one of each address: the address may be behind a proxy that is trusted, and of IPv6 a network is one.
func TestDownloadsAreBounded(t *testing.T) { synctest.Test(t, testDownloadsAreBounded) }

func testDownloadsAreBounded(t *testing.T) {
	var log bytes.Buffer
	s := newStage(t, Config{}, func(c *media.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	begun, _ := s.roll(true)
	from := func(addr string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/record/live/cam.mp4?from="+strconv.FormatInt(begun.Unix(), 10), nil)
		r.RemoteAddr = addr
		return r
	}
	ask := func(addr string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.r.Library().ServeHTTP(w, from(addr))
		return w
	}
	d := &s.r.library.downloads
	var ends []func()
	begin := func(addr string) {
		end, err := d.begin(from(addr))
		require.NoError(t, err)
		ends = append(ends, end)
	}
	for i := range defaultDownloads {
		begin("192.0.2.1:" + strconv.Itoa(i+1))
		begin("[2001:db8::" + strconv.Itoa(i) + "]:80")
	}
	for _, addr := range []string{"192.0.2.1:9", "[::ffff:192.0.2.1]:9", "[2001:db8::ffff]:9"} {
		busy := ask(addr)
		require.Equal(t, http.StatusServiceUnavailable, busy.Code, addr)
		require.Equal(t, errBusyAddress.Error()+"\n", busy.Body.String())
		require.NotEmpty(t, busy.Header().Get("Retry-After"))
	}
	require.Equal(t, 1, strings.Count(log.String(), `why="`+errBusyAddress.Error()), "one line a second")
	require.Contains(t, log.String(), "peer=192.0.2.1")
	require.Equal(t, http.StatusOK, ask("192.0.2.2:9").Code)
	require.Equal(t, http.StatusOK, ask("[2001:db8:0:1::1]:9").Code)
	for range maxDownloads - 2*defaultDownloads {
		begin("@") // of a socket without an address
	}
	busy := ask("192.0.2.2:9")
	require.Equal(t, http.StatusServiceUnavailable, busy.Code)
	require.Equal(t, errBusy.Error()+"\n", busy.Body.String())
	for _, end := range ends {
		end()
	}
	require.Equal(t, http.StatusOK, ask("192.0.2.1:9").Code)
	require.Zero(t, d.count())
	require.Empty(t, d.of)

	d.perAddress = -1
	for range maxDownloads {
		begin("192.0.2.1:9")
	}
	_, err := d.begin(from("192.0.2.1:9"))
	require.ErrorIs(t, err, errBusy)
	s.closesAll()
}

// What is being recorded can be watched from its beginning, and goes on; what a player has fetched of it stays what it was when it
// is finished.
func TestWatchesWhileRecording(t *testing.T) { synctest.Test(t, testWatchesWhileRecording) }

func testWatchesWhileRecording(t *testing.T) {
	s := newStage(t, Config{})
	tracks, packets := reel.Load(t, testmedia.H264B())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	target := "/record/live/cam?from=" + strconv.FormatInt(time.Now().Unix()-10, 10)
	require.Equal(t, http.StatusNotFound, s.ask(target).Code)
	write(t, pub, packets, 6*time.Second, 2)
	v := s.watch(target)
	require.False(t, v.complete)
	require.Contains(t, v.text, "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=0.000,PRECISE=YES\n")
	require.Equal(t, 10*time.Second, v.target)
	require.InDelta(t, 8, v.sum.Seconds(), 0.1)
	file := s.get("/record/live/cam.mp4?from=" + strconv.FormatInt(time.Now().Unix()-60, 10))
	require.InDelta(t, 12*25, len(ofKind(packetsOf(t, file), true)), 30)

	var list struct{ Spans []spanInfo }
	require.NoError(t, json.Unmarshal(s.get("/record/live/cam.json?from=0&to=9"), &list))
	require.Empty(t, list.Spans)
	require.NoError(t, json.Unmarshal(s.get("/record/live/cam.json?from="+strconv.FormatInt(time.Now().Unix()-60, 10)), &list))
	require.Len(t, list.Spans, 1)
	require.True(t, list.Spans[0].Growing)

	pub.Close(nil)
	told := s.obs.await(t, 1)
	w := s.watch(target)
	require.True(t, w.complete)
	require.True(t, strings.HasPrefix(w.text, strings.TrimSuffix(v.text, "\n")), "%s\n%s", v.text, w.text)
	require.Equal(t, ofKind(v.packets[0], true), ofKind(w.packets[0], true)[:len(ofKind(v.packets[0], true))])
	require.Len(t, ofKind(w.packets[0], true), 2*len(ofKind(packets, true)))

	one := s.watch("/" + told[0].URL + ".m3u8")
	require.True(t, one.complete)
	require.Equal(t, ofKind(w.packets[0], true), ofKind(one.packets[0], true))
	s.closesAll()
}

// What cannot be had is told, and nothing outside of the directory is.
func TestRefusesByHTTP(t *testing.T) { synctest.Test(t, testRefusesByHTTP) }

func testRefusesByHTTP(t *testing.T) {
	s := newStage(t, Config{})
	begun, _ := s.roll(true)
	name := s.obs.told[0].URL
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "record", "bad.mp4"), []byte("not a film at all"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "secret.mp4"), []byte("not a film at all"), 0o600))
	now := strconv.FormatInt(begun.Unix(), 10)
	for target, code := range map[string]int{
		"/record/live/cam?from=x":                         http.StatusBadRequest,
		"/record/live/cam?from=":                          http.StatusBadRequest,
		"/record/live/cam?from=" + now + "&to=1":          http.StatusBadRequest,
		"/record/live/cam.json?from=1&to=9999999":         http.StatusBadRequest,
		"/record/live/cam.mp4?from=1":                     http.StatusBadRequest,
		"/record/live/cam?from=1&to=2":                    http.StatusNotFound,
		"/record/live/other?from=" + now:                  http.StatusNotFound,
		"/record/live/cam":                                http.StatusNotFound,
		"/record/cam?from=" + now:                         http.StatusNotFound,
		"/record/live/cam.live.mp4?from=" + now:           http.StatusNotFound,
		"/record/live/cam.mp4?to=" + now + "&from=" + now: http.StatusNotFound,
		"/record/live/page.html?from=mail":                http.StatusNotFound,
		"/" + name + "?from=share":                        http.StatusNotFound,
		"/record/live/c%01am?from=" + now:                 http.StatusNotFound,
		"/" + name + "/0-100.m4s":                         http.StatusOK,
		"/record/live/cam?to=" + now + "&from=" + now + "&token=" + strings.Repeat("k", 7900): http.StatusNotFound,
		"/record/../secret.mp4.m3u8":                        http.StatusNotFound,
		"/record/live/%2e%2e/%2e%2e/%2e%2e/secret.mp4.m3u8": http.StatusNotFound,
		"/record/.hidden.mp4.m3u8":                          http.StatusNotFound,
		"/record/none.mp4.m3u8":                             http.StatusNotFound,
		"/record/none.mp4/head.mp4":                         http.StatusNotFound,
		"/record/bad.mp4.m3u8":                              http.StatusUnprocessableEntity,
		"/record/bad.mp4/0-1.m4s":                           http.StatusUnprocessableEntity,
		"/" + name + "/5-5.m4s":                             http.StatusNotFound,
		"/" + name + "/5-4.m4s":                             http.StatusNotFound,
		"/" + name + "/0-4294967295.m4s":                    http.StatusNotFound,
		"/" + name + "/0-4294967296.m4s":                    http.StatusNotFound,
		"/" + name + "/-1-4.m4s":                            http.StatusNotFound,
		"/" + name + "/0-4+x.m4s":                           http.StatusNotFound,
		"/" + name + "/0-4-9223372036854775808.m4s":         http.StatusNotFound,
		"/" + name + "/0-4+99999999999999.m4s":              http.StatusNotFound,
		"/" + name + "/0-4-1000.m4s":                        http.StatusOK,
		"/" + name + "/x.m4s":                               http.StatusNotFound,
		"/" + name:                                          http.StatusNotFound,
		"/" + name + "/0-4.m4s":                             http.StatusOK,
		"/" + name + "/head.mp4":                            http.StatusOK,
	} {
		w := s.ask(target)
		require.Equal(t, code, w.Code, "%s: %s", target, w.Body)
		if code != http.StatusOK {
			require.NotContains(t, w.Body.String(), s.dir)
		}
	}
	post := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/record/live/cam?from="+now, nil)
	require.False(t, s.r.Library().Serves(post, ""))
	s.closesAll()
}

// Files that nobody reads are closed after a while, and the oldest of many at once.
func TestShelfShrinks(t *testing.T) { synctest.Test(t, testShelfShrinks) }

func testShelfShrinks(t *testing.T) {
	s := newStage(t, Config{})
	s.roll(true)
	for range 3 {
		for i, told := range s.obs.told {
			path := told.FilePath
			for n := range 3 {
				link := filepath.Join(s.dir, strconv.Itoa(i)+strconv.Itoa(n)+".mp4")
				_ = os.Link(path, link)
				b, err := s.r.shelf.take(link)
				require.NoError(t, err)
				s.r.shelf.giveBack(b)
			}
		}
	}
	open := func() (idle, all int) {
		s.r.shelf.mu.Lock()
		defer s.r.shelf.mu.Unlock()
		return len(s.r.shelf.idle), len(s.r.shelf.books)
	}
	idle, all := open()
	require.Equal(t, keepBooks, idle)
	require.Equal(t, keepBooks, all)
	time.Sleep(keepTime + time.Second)
	idle, all = open()
	require.Zero(t, idle)
	require.Zero(t, all)
}

// The name of a segment says again what it was made of.
func TestSegmentName(t *testing.T) {
	for _, n := range []segmentName{{}, {1, 2, 0}, {1 << 31, 1<<32 - 1, 5 * time.Second}, {0, 7, -3 * time.Microsecond}} {
		got, ok := parseSegment(n.String())
		require.True(t, ok, n)
		require.Equal(t, n, got)
	}
}

// FuzzAsk has whatever asks for recordings stay within their directory.
func FuzzAsk(f *testing.F) {
	f.Add("/record/live/cam", "from=1")
	f.Add("/record/live/cam.mp4", "from=1&to=2&vhost=x")
	f.Add("/record/live/cam/2026-11-27/x.mp4/0-4.m4s", "token=1")
	f.Add("/record/a/../../x.mp4.m3u8", "")
	l := &Library{dir: "/base", app: "record"}
	f.Fuzz(func(t *testing.T, path, query string) {
		a := l.parse(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}}, hook.DefaultVHost)
		if a.form == nothing {
			return
		}
		if a.path != "" {
			require.True(t, strings.HasPrefix(a.path, filepath.FromSlash("/base/record/")), a.path)
		}
		if p, err := placeOf("/base", "record", a.key); err == nil && a.path == "" {
			require.True(t, strings.HasPrefix(p.dir(), filepath.FromSlash("/base/record/")), p.dir())
		}
	})
}
