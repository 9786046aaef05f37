package hlspull

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func base(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse("http://user:pass@host/live/list.m3u8?token=x")
	require.NoError(t, err)
	return u
}

// A playlist as others write it: other ends of lines, tags that are not known, attributes with commas in them.
func TestParse(t *testing.T) {
	p, err := parse([]byte("\ufeff#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-TARGETDURATION: 4 \r\n#EXT-X-MEDIA-SEQUENCE:41\r\n"+
		"#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"10@2\"\r\n#EXTINF:3.5,a title, with commas\r\n#EXT-X-BYTERANGE:100@7\r\nall.mp4\r\n"+
		"#EXT-X-DISCONTINUITY\n#EXTINF:nan,\n#EXT-X-BYTERANGE:50\nall.mp4\n\n#SOMETHING\n#EXT-X-GAP\n#EXTINF:2\n/abs/c.m4s?q=\"\n#EXT-X-ENDLIST"), base(t))
	require.NoError(t, err)
	require.Equal(t, 4*time.Second, p.target)
	require.True(t, p.ended)
	init := &resource{"init.mp4", 2, 10, key{}}
	require.Equal(t, []segment{
		{resource: resource{"all.mp4", 7, 100, key{}}, number: 41, lasts: 3500 * time.Millisecond, init: init},
		{resource: resource{"all.mp4", 107, 50, key{}}, number: 42, discontinuity: true, period: 1, init: init},
		{resource: resource{"/abs/c.m4s?q=\"", 0, 0, key{}}, number: 43, lasts: 2 * time.Second, period: 1, missing: true, init: init},
	}, p.segments)

	p, err = parse([]byte("#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"avc1,mp4a\",BANDWIDTH=77,AUDIO=\"a\"\nv.m3u8\n"), base(t))
	require.NoError(t, err)
	require.Equal(t, []variant{{"v.m3u8", 77, "a"}}, p.variants)
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "#EXTM3U8\n", "<html>", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1\n",
		"#EXTM3U\n" + strings.Repeat("x\n", maxSegments+1),
	} {
		_, err := parse([]byte(text), base(t))
		require.ErrorIs(t, err, errPlaylist, "%.50q", text)
	}
	for _, uri := range []string{"file:///etc/passwd", "gopher://x/", "data:,x", "%zz", strings.Repeat("x", maxURI+1)} {
		_, err := resolve(base(t), uri)
		require.ErrorIs(t, err, errPlaylist, "%.50q", uri)
	}
	for _, text := range []string{"#EXTM3U x=y\n", "\n \n#EXTM3U", "#EXTM3U\r\n#EXT-X-MEDIA-SEQUENCE: 5\r\n"} {
		_, err := parse([]byte(text), base(t))
		require.NoError(t, err, text)
		require.True(t, Begins([]byte(text)[:4]))
	}
	require.True(t, Begins([]byte("\ufeff#")))
	require.False(t, Begins([]byte("<htm")))
}

// Where to go on: three target durations before the end at first, then behind what has been got, however the playlist has moved.
func TestGoOn(t *testing.T) {
	list := func(first, count int64, ended bool) *playlist {
		p := &playlist{target: 2 * time.Second, sequence: first, ended: ended}
		for i := range count {
			p.segments = append(p.segments, segment{number: first + i, lasts: 2 * time.Second})
		}
		return p
	}
	for name, c := range map[string]struct {
		p          *playlist
		next, want int64
		torn       bool
	}{
		"at first":                      {list(10, 8, false), -1, 15, true},
		"at first, of few":              {list(10, 2, false), -1, 10, true},
		"at first, of what has ended":   {list(10, 8, true), -1, 10, true},
		"the next":                      {list(10, 8, false), 17, 17, false},
		"nothing new":                   {list(10, 8, false), 18, 18, false},
		"an older one":                  {list(9, 8, false), 18, 18, false},
		"it has moved on":               {list(100, 8, false), 18, 100, true},
		"the server has begun anew":     {list(0, 5, false), 900, 2, true},
		"it has begun anew and is over": {list(0, 5, true), 900, 0, true},
		"none":                          {list(5, 0, false), 3, 3, false},
	} {
		torn := false
		require.Equal(t, c.want, c.p.goOn(c.next, &torn), name)
		require.Equal(t, c.torn, torn, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:3.5,\n#EXT-X-BYTERANGE:100@7\na\n#EXT-X-ENDLIST\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"x\",DEFAULT=YES,URI=\"a\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"x\"\nv\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\na\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parse(text, base(t))
		if err != nil {
			require.ErrorIs(t, err, errPlaylist)
			return
		}
		require.Positive(t, p.target)
		require.LessOrEqual(t, len(p.segments), maxSegments)
		for _, s := range p.segments {
			require.GreaterOrEqual(t, s.from, int64(0))
			require.GreaterOrEqual(t, s.length, int64(0))
			require.GreaterOrEqual(t, s.number, int64(0))
			require.GreaterOrEqual(t, s.period, int64(0))
			require.Equal(t, s.lock.method == "", s.lock == key{})
		}
	})
}

// However long a target duration a playlist has, it is got again soon, and not waited for without end.
func TestPatience(t *testing.T) {
	p, err := parse([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:999999\n"), base(t))
	require.NoError(t, err)
	c := &client{Config: Config{Idle: time.Second}, came: &atomic.Int64{}}
	c.came.Store(time.Now().Add(-behind*longestTarget + time.Second).UnixNano())
	require.NoError(t, c.patience(p))
	c.came.Store(time.Now().Add(-behind*longestTarget - time.Second).UnixNano())
	require.ErrorContains(t, c.patience(p), "no media for 1m30s")
}
