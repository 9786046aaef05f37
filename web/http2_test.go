package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// fetch is ask with a context, and may be called from any goroutine.
func (s *server) fetch(ctx context.Context, path string) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return 0, "", err
	}
	reply, err := s.Client().Do(r)
	if err != nil {
		return 0, "", err
	}
	defer reply.Body.Close()
	if reply.ProtoMajor != 2 {
		return 0, "", fmt.Errorf("by %s", reply.Proto)
	}
	b, err := io.ReadAll(reply.Body)
	return reply.StatusCode, string(b), err
}

// By HTTP/2 viewers may share a connection: who waits, leaves or is kicked does not touch the others.
func TestViewersByHTTP2(t *testing.T) {
	s := start(t, media.Config{Options: hook.StreamOptions{EnableHLSFMP4: new(true)}}, web.Config{}, secure(true))
	pub := s.publish(t, "live", "test", 15)
	const viewers = 40
	type answer struct {
		who, status int
		text        string
		err         error
	}
	answers := make(chan answer, viewers)
	ask := func(ctx context.Context, who int, query string) {
		status, text, err := s.fetch(ctx, fmt.Sprintf("/live/test/hls.fmp4.m3u8?who=%d%s", who, query))
		answers <- answer{who, status, text, err}
	}
	next := ""
	for who := range viewers {
		ask(t.Context(), who, "")
		a := <-answers
		require.NoError(t, a.err)
		require.Equal(t, 200, a.status)
		segment := lastURI(a.text)
		require.Contains(t, segment, fmt.Sprintf("?who=%d", who))
		status, body, err := s.fetch(t.Context(), "/live/test/"+segment)
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.NotEmpty(t, body)
		next = fmt.Sprintf("&_HLS_msn=%d&_HLS_part=0", strings.Count(a.text, "#EXTINF"))
	}
	time.Sleep(200 * time.Millisecond) // who asks again at once is another
	leaves, leave := context.WithCancel(t.Context())
	for who := range viewers {
		ctx := t.Context()
		if who == 0 {
			ctx = leaves
		}
		go ask(ctx, who, next)
	}
	leave()
	a := <-answers
	require.Zero(t, a.who)
	require.ErrorIs(t, a.err, context.Canceled)
	for x := range s.media.Sessions() {
		if x.Info().Params == "who=1" {
			x.Kick(media.ErrKicked)
		}
	}
	a = <-answers
	require.NoError(t, a.err)
	require.Equal(t, 1, a.who)
	require.NotEqual(t, 200, a.status)
	for i := 15; i < 40; i++ {
		require.NoError(t, pub.WritePacket(packet(i)))
	}
	for range viewers - 2 {
		a := <-answers
		require.NoError(t, a.err)
		require.Equal(t, 200, a.status)
		require.Contains(t, a.text, "#EXT-X-PART:")
	}
}

// lastURI returns the last line of a playlist that is no tag.
func lastURI(text string) (uri string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			uri = line
		}
	}
	return uri
}
