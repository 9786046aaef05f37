package rtsp_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// Of a client that gives way nothing stays, whatever the server waits for, and however much it has said ahead.
func TestNothingStaysOfWhoGivesWay(t *testing.T) {
	more := strings.Repeat("x", 4<<10)
	for name, text := range map[string]string{
		"silence":             "",
		"a GET":               "GET / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n",
		"a GET, and more":     "GET / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n" + more,
		"a hook":              "DESCRIBE rtsp://h/live/slow RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"a hook, and more":    "DESCRIBE rtsp://h/live/slow RTSP/1.0\r\nCSeq: 1\r\n\r\n" + more,
		"a player that waits": "DESCRIBE rtsp://h/live/test RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	} {
		m, addr := start(t, media.Config{MaxConnections: 1, HookTimeout: time.Hour, Hooks: []hook.Hook{hook.Funcs{
			OnPlay: func(ctx context.Context, ev *hook.PlayEvent) error {
				if ev.Stream.Name == "test" {
					return nil
				}
				<-ctx.Done()
				return context.Cause(ctx)
			},
		}}}, rtsp.Config{HandshakeTimeout: time.Hour})
		publishClip(t, m)
		first := dial(t, addr)
		_, err := first.Write([]byte(text))
		require.NoError(t, err)
		port := uint16(first.LocalAddr().(*net.TCPAddr).Port)
		listed := func() bool {
			for x := range m.Sessions() {
				if x.Info().Remote.Port() == port {
					return true
				}
			}
			return false
		}
		require.Eventually(t, listed, patience, time.Millisecond, name)
		time.Sleep(50 * time.Millisecond) // it goes as far as it can
		dial(t, addr)
		require.Eventually(t, func() bool { return !listed() }, patience, time.Millisecond, name)
		require.Equal(t, 1, m.Connections())
	}
}

// Who was refused, and reads on, gives way to others like any stranger.
func TestTheRefusedGiveWay(t *testing.T) {
	_, addr := start(t, media.Config{MaxConnections: 1, PlayWait: -1}, rtsp.Config{})
	for _, text := range []string{"GET /x HTTP/1.0\r\n\r\n", "DESCRIBE rtsp://h/live/none RTSP/1.0\r\nCSeq: 1\r\n\r\n"} {
		stranger := dial(t, addr)
		_, err := stranger.Write([]byte(text))
		require.NoError(t, err)
		_, err = stranger.Read(make([]byte, 1))
		require.NoError(t, err)
		res := request(t, dial(t, addr), "OPTIONS * RTSP/1.0\nCSeq: 1")
		require.Contains(t, status(res), "200")
	}
}
