package segments

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// live is a server of HLS whose segments and parts are made when they are asked for.
type live struct {
	segment atomic.Int64
	lost    string // what it does not find
}

func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.lost != "" && strings.HasSuffix(r.URL.Path, l.lost) {
		http.NotFound(w, r)
		return
	}
	if !strings.HasSuffix(r.URL.Path, ".m3u8") {
		_, _ = w.Write(make([]byte, 1000))
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
	n := int(l.segment.Add(1))
	fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXTINF:1.000,\n%d.ts\n#EXTINF:1.000,\n%d.ts\n"+
		"#EXT-X-PART:DURATION=0.5,URI=\"%d.p0.ts\"\n", n, n, n+1, n+2)
	time.Sleep(time.Millisecond)
}

func run(t *testing.T, l *live, low bool) *Result {
	t.Helper()
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := Run(ctx, Config{URL: s.URL + "/x/hls.m3u8", N: 3, Low: low, Settle: time.Second, Window: time.Second, PID: os.Getpid(), Alone: time.Second})
	require.NoError(t, err)
	return res
}

func TestViewersFetch(t *testing.T) {
	for _, low := range []bool{false, true} {
		res := run(t, &live{}, low)
		require.Empty(t, res.Faults)
		require.Positive(t, res.Bytes)
		require.Positive(t, res.Playlists)
		require.Positive(t, res.Pieces)
		require.Positive(t, res.Seconds)
		require.Positive(t, res.FirstPlaylistMS)
		require.GreaterOrEqual(t, res.FirstPieceMS, res.FirstPlaylistMS)
	}
}

func TestPerGB(t *testing.T) {
	require.InDelta(t, 0.5, (&Result{Bytes: 4e9, CPU: 2 * time.Second}).PerGB(), 1e-9)
	require.Zero(t, (&Result{CPU: time.Second}).PerGB())
}

func TestWhatIsNotThereIsAFault(t *testing.T) {
	l := &live{lost: ".p0.ts"}
	res := run(t, l, true)
	require.Len(t, res.Faults, 3)
	require.Contains(t, res.Faults[0], "404")
}

func TestParse(t *testing.T) {
	p := parse("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PART:DURATION=1,URI=\"a.p0\"\n#EXTINF:2,\na\n" +
		"#EXT-X-PART:DURATION=1,URI=\"b.p0\",INDEPENDENT=YES\n#EXT-X-ENDLIST\n")
	require.Equal(t, playlist{target: 2 * time.Second, segments: []string{"a"}, parts: []string{"a.p0", "b.p0"}, msn: 8, part: 1, ended: true}, p)
}
