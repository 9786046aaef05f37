package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// tsSegment is a segment of MPEG-TS with pictures from number n on.
func tsSegment(t *testing.T, n, count int) []byte {
	t.Helper()
	m := mpegts.NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{video}})
	require.NoError(t, err)
	var w chunkBytes
	for i := n; i < n+count; i++ {
		require.NoError(t, m.WritePacket(&w, packet(i), packet(i).Key))
	}
	return w
}

type chunkBytes []byte

func (w *chunkBytes) Tail(int) []byte     { return nil }
func (w *chunkBytes) Write(c media.Chunk) { *w = append(*w, c.Data...) }

// origin serves HLS that grows by a segment of ten pictures as often as step says.
type origin struct {
	t      *testing.T
	step   time.Duration
	window int
	ends   int // after how many; 0 never
	begun  time.Time
	head   string // in the playlist
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	there := 3 + int(time.Since(o.begun)/o.step)
	if o.ends > 0 {
		there = min(there, o.ends)
	}
	var n int
	switch {
	case strings.HasSuffix(r.URL.Path, "/all.m3u8"):
		_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"a,b\"\nlow/none.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9000\nlist.m3u8?k=1\n")
	case strings.HasSuffix(r.URL.Path, "/list.m3u8"):
		from := max(there-o.window, 0)
		_, _ = fmt.Fprintf(w, "#EXTM3U\r\n%s#EXT-X-TARGETDURATION:1\r\n#EXT-X-MEDIA-SEQUENCE:%d\r\n", o.head, from)
		for i := from; i < there; i++ {
			_, _ = fmt.Fprintf(w, "#EXTINF:0.4,\r\nseg%d.ts\r\n", i)
		}
		if there == o.ends {
			_, _ = io.WriteString(w, "#EXT-X-ENDLIST\r\n")
		}
	default:
		if _, err := fmt.Sscanf(r.URL.Path, "/live/seg%d.ts", &n); err != nil || n >= there || n < there-o.window-3 {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(tsSegment(o.t, 10*n, 10))
	}
}

// HLS is played from the end of what there is, whole, at the pace of its stamps, and ends where it does.
func TestPullOfHLS(t *testing.T) {
	t.Parallel()
	const tsDelay = 700 * time.Millisecond
	o := &origin{t: t, step: 400 * time.Millisecond, window: 6, ends: 10, begun: time.Now()}
	s := httptest.NewServer(o)
	defer s.Close()
	p := pull(t, s.URL+"/live/all.m3u8", web.ClientConfig{})
	began := time.Now()
	p.requirePictures(t, 99, tsDelay)
	require.Greater(t, time.Since(began), 3*time.Second, "4 s of pictures come at their pace")
	p.requireEnd(t, io.EOF)
}

func TestPullOfOddHLS(t *testing.T) {
	for name, c := range map[string]struct {
		o    origin
		text string // in the error
		page string // instead of the playlist
	}{
		"no key":           {o: origin{head: "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"}, text: "the key: web: the server answered \"404"},
		"a key in a file":  {o: origin{head: "#EXT-X-KEY:METHOD=AES-128,URI=\"file:///k\"\n"}, text: `the URI "file:///k"`},
		"encrypted inside": {o: origin{head: "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"}, text: "encrypted by \"SAMPLE-AES\""},
		"nothing new":      {o: origin{step: time.Hour}, text: "no media for 3s"},
		"nothing at all":   {page: "#EXTM3U\n#EXT-X-ENDLIST\n", text: "no segments"},
		"a file":           {page: "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", text: `the URI "file:///etc/passwd"`},
		"a variant only":   {page: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nall.m3u8\n", text: "404"},
		"a wrong number":   {page: "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1\n", text: "no playlist"},
		"too many":         {page: "#EXTM3U\n" + strings.Repeat("#EXTINF:1,\nx\n", 20_001), text: "more than 20000 segments"},
		"pages, not parts": {page: "#EXTM3U\n#EXTINF:1,\npage\n#EXT-X-ENDLIST\n", text: "neither MPEG-TS, fragmented MP4, AAC nor MP3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := c.o
			o.t, o.begun, o.window = t, time.Now(), 6
			if o.step == 0 {
				o.step = 400 * time.Millisecond
			}
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case c.page != "" && strings.HasSuffix(r.URL.Path, "/list.m3u8"):
					_, _ = io.WriteString(w, c.page)
				case strings.HasSuffix(r.URL.Path, "/page"):
					_, _ = io.WriteString(w, "<!DOCTYPE html>")
				case c.page != "":
					http.NotFound(w, r)
				default:
					o.ServeHTTP(w, r)
				}
			}))
			defer s.Close()
			p := pull(t, s.URL+"/live/list.m3u8", web.ClientConfig{IdleTimeout: time.Second})
			select {
			case err := <-p.ended:
				require.ErrorContains(t, err, c.text)
			case <-time.After(patience):
				require.Fail(t, "it does not end")
			}
		})
	}
}

// Both forms of our own HLS come back as one viewer.
func TestPullOfOwnHLS(t *testing.T) {
	for _, name := range []string{"hls.m3u8", "hls.fmp4.m3u8", "index.m3u8"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{HLS: web.HLSConfig{SegmentDuration: time.Second}}, nil)
			pub := s.publish(t, "live", "cam", 0)
			stop := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := 0; ; i++ {
					if pub.WritePacket(packet(i)) != nil {
						return
					}
					select {
					case <-time.After(40 * time.Millisecond):
					case <-stop:
						pub.Close(nil)
						return
					}
				}
			}()
			time.Sleep(time.Second)
			p := pull(t, "http://"+s.addr+"/live/cam/"+name+"?token=x", web.ClientConfig{})
			x := p.awaitPlaying(t)
			require.Eventually(t, func() bool { return x.Publisher().Stream().Stats().Tracks[0].Frames > 60 }, patience, time.Millisecond)
			_, readers := pub.Stream().Readers("")
			require.Equal(t, 1, readers)
			close(stop)
			<-done
			p.requireEnd(t, io.EOF)
		})
	}
}
