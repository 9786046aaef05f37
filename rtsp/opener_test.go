package rtsp_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// An opener that ignores its context holds a session up neither when it is kicked nor longer than the configuration says.
func TestSessionOfAStubbornOpener(t *testing.T) {
	release, asked := make(chan struct{}), make(chan *hook.Session, 2)
	m, addr := start(t, media.Config{PlayWait: 100 * time.Millisecond, HookTimeout: 100 * time.Millisecond}, rtsp.Config{})
	t.Cleanup(func() { close(release) }) // before the server ends
	m.Open(media.OpenerFunc(func(_ context.Context, r *media.OpenRequest) (media.Source, error) {
		asked <- &r.Session
		<-release
		return nil, media.ErrStreamNotFound
	}))
	conn := dial(t, addr)
	v := &filmViewer{t: t, conn: conn, r: bufio.NewReader(conn)}
	code, _, _ := v.ask("DESCRIBE", "")
	require.Equal(t, "404", code)
	<-asked

	require.NoError(t, m.Reconfigure(media.Config{PlayWait: time.Hour, HookTimeout: time.Hour}))
	conn = dial(t, addr)
	_, err := io.WriteString(conn, "DESCRIBE rtsp://h/live/film RTSP/1.0\r\nCSeq: 1\r\n\r\n")
	require.NoError(t, err)
	x, ok := m.Session((<-asked).ID)
	require.True(t, ok)
	x.Kick(media.ErrKicked)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadAll(conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Eventually(t, func() bool {
		for range m.Sessions() {
			return false
		}
		return true
	}, patience, time.Millisecond)
}
