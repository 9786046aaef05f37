package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/hls/hlscheck"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// Whatever stands in the path, the query and the cookie of a request for HLS: a playlist that comes is one, and names nothing but
// what is in the folder of its stream.
func FuzzHLS(f *testing.F) {
	for _, query := range []string{
		"", "token=1", "_HLS_msn=0&_HLS_part=0", "_HLS_msn=1&_HLS_part=99&_HLS_skip=YES", "_HLS_msn=18446744073709551616", "_HLS_part=1",
		"a=b&_HLS_msn=4294967295", `x=",URI="http://192.0.2.1/`, "%00&%0a%22", "a;b=c", "_HLS%5Fmsn=1",
	} {
		f.Add("hls.m3u8", query, "")
		f.Add("hls.fmp4.m3u8", query, "0123456789abcdef0123456789abcdef")
	}
	f.Add("index.m3u8", "a=b", "a; ZLM_HTTP_COOKIE=b")
	f.Add("2026-01-01/00/00-00_0.ts", "", "\"")
	f.Add("init.mp4", "", "")
	s := start(f, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, nil)
	s.publish(f, "live", "test", 50)
	f.Fuzz(func(t *testing.T, path, query, cookie string) {
		head := "GET /live/test/" + path + "?" + query + " HTTP/1.1\r\nHost: h\r\nCookie: ZLM_HTTP_COOKIE=" + cookie + "\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/live/test/") || strings.Contains(path, ".live.") || r.URL.Query().Has("schema") {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // who waits for what does not come
		defer cancel()
		r.RemoteAddr = "192.0.2.1:1"
		reply := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(reply, r.WithContext(ctx))
		text := reply.Body.String()
		if reply.Code != http.StatusOK || !strings.HasPrefix(text, "#EXTM3U") || strings.Contains(text, "#EXT-X-STREAM-INF") {
			return
		}
		list, err := hlscheck.Parse(text)
		require.NoError(t, err)
		for _, uri := range list.URIs() {
			require.Regexp(t, `^(\d{4}-\d\d-\d\d/\d\d/\d\d-\d\d_|init(_\d+)?\.mp4)[^"\s]*$`, uri)
		}
	})
}
