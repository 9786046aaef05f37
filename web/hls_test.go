package web_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// ask sends a request for HLS and returns the reply and its body.
func (s *server) ask(t *testing.T, path, cookie string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "ZLM_HTTP_COOKIE", Value: cookie})
	}
	reply, err := s.Client().Do(r)
	require.NoError(t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply, string(body)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// awaitHLS waits until n viewers by HLS are listed.
func (s *server) awaitHLS(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		count := 0
		for x := range s.media.Sessions() {
			if x.Info().Protocol == "hls" {
				count++
			}
		}
		return count == n
	}, patience, time.Millisecond)
}

// A viewer by HLS is let in once, counts as one, and gets nothing any more when it has been kicked.
func TestViewersByHLS(t *testing.T) {
	var asked atomic.Int32
	hooks := hook.Funcs{OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
		asked.Add(1)
		if ev.Session.Params == "deny" {
			return hook.Deny(7, "bad token")
		}
		return nil
	}}
	s := start(t, media.Config{Hooks: []hook.Hook{hooks}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	reply, text := s.ask(t, "/live/test/hls.m3u8?token=1", "")
	require.Equal(t, 200, reply.StatusCode)
	require.Equal(t, "application/vnd.apple.mpegurl; charset=utf-8", reply.Header.Get("Content-Type"))
	require.Len(t, reply.Cookies(), 1)
	cookie := reply.Cookies()[0]
	require.Equal(t, "/live/test/", cookie.Path)
	uri := lastLine(text)
	require.True(t, strings.HasSuffix(uri, "_0.ts?token=1"), uri)
	reply, segment := s.ask(t, "/live/test/"+uri, "") // known by its address and query
	require.Equal(t, 200, reply.StatusCode)
	require.Equal(t, "video/mp2t", reply.Header.Get("Content-Type"))
	require.Equal(t, byte(0x47), segment[0])
	bare, _, _ := strings.Cut(uri, "?")
	reply, _ = s.ask(t, "/live/test/"+bare, cookie.Value)
	require.Equal(t, 200, reply.StatusCode)
	_, text = s.ask(t, "/live/test/hls.m3u8", cookie.Value)
	require.Equal(t, bare, lastLine(text), "who has shown its cookie needs no query")
	require.EqualValues(t, 1, asked.Load())
	s.awaitHLS(t, 1)
	reply, _ = s.ask(t, "/live/test/"+bare, "0123")
	require.Equal(t, 404, reply.StatusCode)

	for x := range s.media.Sessions() {
		if x.Info().Protocol == "hls" {
			x.Kick(media.ErrKicked)
		}
	}
	s.awaitHLS(t, 0)
	reply, _ = s.ask(t, "/live/test/"+bare, cookie.Value)
	require.Equal(t, 404, reply.StatusCode)
	reply, text = s.ask(t, "/live/test/hls.m3u8", cookie.Value)
	require.Equal(t, 401, reply.StatusCode, "who was kicked may not come again with the next reload")
	require.Contains(t, text, "ended by the server")
	require.EqualValues(t, 1, asked.Load())
}

// The cookie of a stream is for its folder, whatever it is called, and has nothing else in it.
func TestCookiesOfStrangeNames(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	for path, name := range map[string]string{"b%C3%BChne%201": "bühne 1", "a%3Bdomain=example.com%2C": "a;domain=example.com,"} {
		s.publish(t, "live", name, 5)
		reply, _ := s.ask(t, "/live/"+path+"/hls.m3u8", "")
		require.Equal(t, 200, reply.StatusCode)
		require.Len(t, reply.Cookies(), 1)
		require.Empty(t, reply.Cookies()[0].Domain)
		require.Equal(t, "/live/"+path+"/", reply.Cookies()[0].Path, "browsers compare it with the path as it is asked for")
	}
}

// Segments can be had by what the playlist calls them, whatever suffix is asked for.
func TestSuffixes(t *testing.T) {
	for suffix, wants := range map[string]string{
		"m4s": ".m4s", ".CMFV": ".CMFV", "": ".mp4", ".": ".mp4", ".ts": ".mp4", ".live.ts": ".mp4", ".m4s/../x": ".mp4", ".x?y#": ".mp4", "a b": ".mp4",
	} {
		cfg := web.Config{HLS: web.HLSConfig{FMP4Suffix: suffix}}
		s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, cfg, nil)
		s.publish(t, "live", "test", 5)
		_, text := s.ask(t, "/live/test/hls.fmp4.m3u8", "")
		uri := segmentOf(text)
		require.True(t, strings.HasSuffix(uri, wants), "%q: %s", suffix, uri)
		reply, _ := s.ask(t, "/live/test/"+uri, "")
		require.Equal(t, 200, reply.StatusCode, suffix)
	}
}

// One that is kicked while it waits for what is to come does not get that.
func TestKickedWhileItWaits(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	for i, path := range []string{"hls.fmp4.m3u8?_HLS_msn=1&_HLS_part=0&n=0", "hint"} {
		_, text := s.ask(t, fmt.Sprintf("/live/test/hls.fmp4.m3u8?n=%d", i), "")
		_, hint, _ := strings.Cut(text, "PRELOAD-HINT:TYPE=PART,URI=\"")
		if path == "hint" {
			path, _, _ = strings.Cut(hint, "\"")
			require.NotEmpty(t, path)
		}
		time.Sleep(200 * time.Millisecond) // who asks again at once is another
		status := make(chan int, 1)
		go func() {
			defer close(status)
			if reply, err := s.Client().Get(s.URL + "/live/test/" + path); err == nil {
				reply.Body.Close()
				status <- reply.StatusCode
			}
		}()
		select {
		case code := <-status:
			require.Fail(t, "it does not wait", "%d", code)
		case <-time.After(300 * time.Millisecond):
		}
		for x := range s.media.Sessions() {
			if x.Info().Protocol == "hls.fmp4" {
				x.Kick(media.ErrKicked)
			}
		}
		select {
		case code := <-status:
			require.Equal(t, []int{401, 404}[i], code)
		case <-time.After(patience):
			require.Fail(t, "it still waits")
		}
	}
}

// One that was refused is not asked about again for a while, if it has a query.
func TestRefusalsByHLS(t *testing.T) {
	var asked atomic.Int32
	hooks := hook.Funcs{OnPlay: func(context.Context, *hook.PlayEvent) error {
		asked.Add(1)
		return hook.Deny(7, "<bad token>")
	}}
	s := start(t, media.Config{Hooks: []hook.Hook{hooks}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	for i := range 3 {
		reply, text := s.ask(t, "/live/test/hls.m3u8?deny", "")
		require.Equal(t, 401, reply.StatusCode)
		require.Equal(t, "text/html; charset=utf-8", reply.Header.Get("Content-Type"))
		require.Equal(t, "[auth failed]: code:7 msg:&#34;&lt;bad token&gt;&#34;", text)
		require.EqualValues(t, 1, asked.Load())
		reply, _ = s.ask(t, "/live/test/hls.m3u8", "")
		require.Equal(t, 401, reply.StatusCode)
		asked.Add(-1)
		require.EqualValues(t, 1, asked.Load(), "%d", i)
	}
	s.awaitHLS(t, 0)
}

// Players without cookies behind one address are as many as there are, whenever they come, and one that is kicked does not come again,
// nor gets segments.
func TestViewersWithoutCookies(t *testing.T) {
	var asked atomic.Int32
	hooks := hook.Funcs{OnPlay: func(context.Context, *hook.PlayEvent) error {
		asked.Add(1)
		return nil
	}}
	s := start(t, media.Config{Hooks: []hook.Hook{hooks}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	const n = 5
	var players [n]http.Client
	get := func(c *http.Client, path string) (int, string) {
		reply, err := c.Get(s.URL + "/live/test/" + path)
		require.NoError(t, err)
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		require.NoError(t, err)
		return reply.StatusCode, string(body)
	}
	for i := range players {
		own := &http.Transport{}
		t.Cleanup(own.CloseIdleConnections)
		players[i].Transport = own
	}
	reload := func() (refused int) {
		for i := range players {
			status, text := get(&players[i], "hls.m3u8?x=1")
			if status != 200 {
				require.Equal(t, 401, status)
				refused++
				continue
			}
			status, _ = get(&players[i], segmentOf(text))
			require.Equal(t, 200, status)
			time.Sleep(200 * time.Millisecond) // some of them may be longer apart than one from itself
		}
		return refused
	}
	require.Zero(t, reload())
	require.Zero(t, reload())
	require.Zero(t, reload())
	s.awaitHLS(t, n)
	require.EqualValues(t, n, asked.Load())
	_, text := get(&players[0], "hls.m3u8?x=1")
	for x := range s.media.Sessions() {
		if x.Info().Protocol == "hls" {
			x.Kick(media.ErrKicked)
			break
		}
	}
	s.awaitHLS(t, n-1)
	require.Equal(t, 1, reload())
	require.Equal(t, 1, reload())
	refused := 0
	for i := range players {
		if status, _ := get(&players[i], segmentOf(text)); status != 200 {
			refused++
		}
	}
	require.Equal(t, 1, refused)
	s.awaitHLS(t, n-1)
	require.EqualValues(t, n, asked.Load())
}

// The multivariant playlist names the variant, and who asks for both is one viewer.
func TestMultivariant(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	reply, _ := s.ask(t, "/live/test/index.m3u8?x=1", "")
	require.Equal(t, 404, reply.StatusCode, "it may be a file")
	s.publish(t, "live", "test", 5)
	reply, text := s.ask(t, "/live/test/index.m3u8?x=1", "")
	require.Equal(t, 200, reply.StatusCode)
	require.Contains(t, text, `CODECS="avc1.`)
	require.Equal(t, "hls.m3u8?x=1", lastLine(text))
	reply, _ = s.ask(t, "/live/test/"+lastLine(text), "")
	require.Equal(t, 200, reply.StatusCode)
	s.awaitHLS(t, 1)
}

// A playlist is in gzip for who takes that, and HEAD makes no viewer.
func TestPlaylistReplies(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	ask := func(method, accept string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/live/test/hls.m3u8", nil)
		require.NoError(t, err)
		r.Header.Set("Accept-Encoding", accept)
		reply, err := s.Client().Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { reply.Body.Close() })
		return reply
	}
	require.Equal(t, 200, ask("HEAD", "gzip").StatusCode)
	s.awaitHLS(t, 0)
	for accept, want := range map[string]string{"": "", "br, gzip;q=0.5": "gzip", "gzip;q=0": "", "deflate": "", "x-gzip": "gzip"} {
		reply := ask("GET", accept)
		require.Equal(t, want, reply.Header.Get("Content-Encoding"), accept)
		require.Equal(t, "Accept-Encoding", reply.Header.Get("Vary"))
		body := io.Reader(reply.Body)
		if want != "" {
			z, err := gzip.NewReader(body)
			require.NoError(t, err)
			body = z
		}
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "#EXTM3U\n"))
	}
}

// Observers are told of HLS when there is enough for a segment. A stream whose options ask for that has all its segments when the
// first viewer comes, and the delayed playlist more.
func TestHLSIsAnnounced(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{HLSDemand: new(false)}}, web.Config{HLS: web.HLSConfig{
		SegmentDuration: time.Second, Delay: 2,
	}}, nil)
	pub := s.publish(t, "live", "test", 5)
	for i := 5; i < 250; i++ {
		require.NoError(t, pub.WritePacket(packet(i)))
		time.Sleep(time.Millisecond) // it is not all in the log when the segments begin
	}
	require.Eventually(t, func() bool { return slices.Contains(pub.Stream().Schemas(), "hls") }, patience, time.Millisecond)
	require.NotContains(t, pub.Stream().Schemas(), "hls.fmp4")
	reply, _ := s.ask(t, "/live/test/hls_delay.m3u8", "")
	require.Equal(t, 200, reply.StatusCode)
	cookie := reply.Cookies()[0].Value
	require.Eventually(t, func() bool { // what was published may still become segments between the two
		_, delayed := s.ask(t, "/live/test/hls_delay.m3u8", cookie)
		_, text := s.ask(t, "/live/test/hls.m3u8", cookie)
		n := strings.Count(delayed, "#EXTINF")
		return n >= 5 && n-2 == strings.Count(text, "#EXTINF")
	}, patience, 10*time.Millisecond)
	s.awaitHLS(t, 1)

	other := start(t, media.Config{}, web.Config{}, nil)
	pub = other.publish(t, "live", "test", 0)
	reply, _ = other.ask(t, "/live/test/hls_delay.m3u8", "")
	require.Equal(t, 404, reply.StatusCode)
	require.NotContains(t, pub.Stream().Schemas(), "hls", "there is less than a segment")
}

// A playlist of as many segments as there may be loses none.
func TestAllSegments(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{HLSDemand: new(false)}}, web.Config{HLS: web.HLSConfig{
		SegmentDuration: time.Second, Segments: -1,
	}}, nil)
	pub := s.publish(t, "live", "test", 5)
	for i := 5; i < 1000; i++ {
		require.NoError(t, pub.WritePacket(packet(i)))
		if i%10 == 0 {
			time.Sleep(time.Millisecond) // the segments are to keep up
		}
	}
	require.Eventually(t, func() bool {
		_, text := s.ask(t, "/live/test/hls.m3u8", "")
		return strings.Contains(text, "#EXT-X-MEDIA-SEQUENCE:0\n") && strings.Count(text, "#EXTINF") > 30
	}, patience, 10*time.Millisecond)
}

func TestBadReloads(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	for _, query := range []string{"_HLS_msn=x", "_HLS_msn=-1", "_HLS_part=1", "_HLS_msn=99999999999999999999", "_HLS_msn=1&_HLS_part="} {
		reply, _ := s.ask(t, "/live/test/hls.m3u8?"+query, "")
		want := 400
		if strings.HasSuffix(query, "part=") {
			want = 200 // of TS nothing is waited for
		}
		require.Equal(t, want, reply.StatusCode, query)
	}
}

// Who has watched a stream that has ended watches the next of that name, with the same cookie, when it has been let in anew.
func TestViewersByHLSOfTheNextStream(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	pub := s.publish(t, "live", "test", 5)
	reply, _ := s.ask(t, "/live/test/hls.m3u8", "")
	cookie := reply.Cookies()[0].Value
	pub.Close(nil)
	require.Eventually(t, func() bool {
		_, text := s.ask(t, "/live/test/hls.m3u8", cookie)
		return strings.Contains(text, "#EXT-X-ENDLIST")
	}, patience, time.Millisecond)
	s.publish(t, "live", "test", 5)
	_, text := s.ask(t, "/live/test/hls.m3u8", cookie)
	require.NotContains(t, text, "#EXT-X-ENDLIST")
	s.awaitHLS(t, 1)
}

// Viewers of both variants behind one address get each their own.
func TestViewersOfBothVariants(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	reply, _ := s.ask(t, "/live/test/hls.m3u8", "")
	require.Equal(t, 200, reply.StatusCode)
	reply, text := s.ask(t, "/live/test/hls.fmp4.m3u8", "")
	require.Equal(t, 200, reply.StatusCode)
	uri := segmentOf(text)
	for _, path := range []string{uri, "init.mp4"} {
		reply, _ := s.ask(t, "/live/test/"+path, "")
		require.Equal(t, 200, reply.StatusCode, path)
	}
}

// A browser with a page for each variant has one cookie for both, which the second must not take from the first.
func TestBothVariantsInOneBrowser(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s.Client().Jar = jar
	for range 4 {
		for _, playlist := range []string{"hls.m3u8", "hls.fmp4.m3u8"} {
			time.Sleep(200 * time.Millisecond) // who asks again at once is another
			reply, text := s.ask(t, "/live/test/"+playlist, "")
			require.Equal(t, 200, reply.StatusCode)
			reply, _ = s.ask(t, "/live/test/"+segmentOf(text), "")
			require.Equal(t, 200, reply.StatusCode, "%s: %s", playlist, text)
		}
		require.Len(t, slices.Collect(s.media.Sessions()), 3, "the publisher and two viewers")
	}
}

// One that asks for both before it has a cookie gets the same for both, since it keeps but the one that it gets last.
func TestBothVariantsAtOnce(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, nil)
	s.publish(t, "live", "test", 5)
	first, _ := s.ask(t, "/live/test/hls.m3u8", "")
	second, text := s.ask(t, "/live/test/hls.fmp4.m3u8", "")
	require.Equal(t, 200, first.StatusCode)
	require.Equal(t, 200, second.StatusCode)
	cookie := first.Cookies()[0].Value
	require.Equal(t, cookie, second.Cookies()[0].Value)
	for range 2 { // with its cookie it is in no crowd
		for _, path := range []string{segmentOf(text), "init.mp4"} {
			reply, _ := s.ask(t, "/live/test/"+path, cookie)
			require.Equal(t, 200, reply.StatusCode, path)
		}
	}
}

// segmentOf returns the URI of the first segment of a playlist.
func segmentOf(text string) string {
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// Whoever asks for a stream, a playlist or a segment that is not there gets the page of the host.
func TestNotFoundPage(t *testing.T) {
	const page = "<b>gone</b>"
	s := start(t, media.Config{PlayWait: -1}, web.Config{NotFoundPage: page}, nil)
	s.publish(t, "live", "test", 5)
	reply, text := s.ask(t, "/live/test/hls.m3u8", "")
	require.Equal(t, 200, reply.StatusCode)
	cookie := reply.Cookies()[0].Value
	for path, cookie := range map[string]string{
		"/live/no/hls.m3u8": "", "/live/no.live.flv": "", "/other": "", "/live/test/" + segmentOf(text) + "x.ts": cookie,
		"/live/test/2000-01-01/00/00-00_9.ts": cookie,
	} {
		reply, text := s.ask(t, path, cookie)
		require.Equal(t, 404, reply.StatusCode, path)
		require.Equal(t, page, text, path)
	}
}
