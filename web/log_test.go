package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// However a viewer is served, the log says once that it plays and once how it ended, and which stream that was.
func TestOneLineForEachEnd(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler, *httptest.Server) http.Handler{
		"plain": nil, "HTTP/2": secure(true), "TLS": secure(false),
	} {
		t.Run(name, func(t *testing.T) {
			var log testlog.Buffer
			s := start(t, media.Config{Logger: log.Logger()}, web.Config{}, wrap)
			s.publish(t, "live", "test", 1)
			play := func() *http.Response {
				reply, err := s.Client().Get(s.URL + "/live/test.live.flv")
				require.NoError(t, err)
				require.Equal(t, 200, reply.StatusCode)
				return reply
			}
			require.NoError(t, play().Body.Close())
			ends := func(text string) func() bool {
				return func() bool { return strings.Count(log.String(), text) == 1 }
			}
			require.Eventually(t, ends(`msg="session ended"`), patience, time.Millisecond)
			kicked := play()
			defer kicked.Body.Close()
			for x := range s.media.Sessions() {
				if x.Info().Remote.IsValid() {
					x.Kick(media.ErrKicked)
				}
			}
			require.Eventually(t, ends(`msg="session kicked"`), patience, time.Millisecond)
			require.Equal(t, 2, strings.Count(log.String(), "msg=playing"))
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "session") && strings.Contains(line, "http") {
					require.Contains(t, line, "stream=__defaultVhost__/live/test")
				}
			}
			require.NotContains(t, log.String(), "player left", "that is the same event")
		})
	}
}
