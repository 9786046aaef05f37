package rtsp_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// gone waits until live/test is no more.
func gone(t testing.TB, m *media.Server) {
	t.Helper()
	require.Eventually(t, func() bool { _, ok := m.Stream(testKey); return !ok }, patience, 10*time.Millisecond)
}

var patient = hook.StreamOptions{ContinuePush: new(time.Hour)}

// A pull that its host ends leaves no stream behind, one that the other side drops does.
func TestCancelledPullEndsItsStream(t *testing.T) {
	from, addr := start(t, media.Config{}, rtsp.Config{})
	stop := publishClip(t, from)
	to, _ := start(t, media.Config{}, rtsp.Config{})
	pulled := make(chan error, 1)
	pull := func(ctx context.Context) {
		pulled <- rtsp.Pull(ctx, to, "rtsp://"+addr+"/live/test", testKey, rtsp.ClientConfig{Options: patient})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go pull(ctx)
	require.Equal(t, time.Hour, *await(t, to).Options().ContinuePush)
	cancel(media.ErrKicked)
	require.ErrorIs(t, <-pulled, media.ErrKicked)
	gone(t, to)

	go pull(t.Context())
	st := await(t, to)
	stop()
	require.Error(t, <-pulled)
	_, ok := to.Stream(testKey)
	require.True(t, ok, "it waits")
	st.Kick(nil)
}

// So does a server that its host closes.
func TestClosedServerEndsItsStreams(t *testing.T) {
	m, err := media.New(media.Config{Options: patient, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	require.NoError(t, err)
	defer m.Close()
	s, err := rtsp.NewServer(m, rtsp.Config{})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	url := "rtsp://h/live/test"
	say(t, dial(t, ln.Addr().String()), announce(url), "SETUP "+url+"/streamid=0 RTSP/1.0\nCSeq: 2\n"+viaTCP+inRecord, "RECORD "+url+" RTSP/1.0\nCSeq: 3")
	await(t, m)
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-served, rtsp.ErrServerClosed)
	gone(t, m)
}

// A viewer that gives up is no refusal.
func TestViewerGivesUp(t *testing.T) {
	log, asked := &testlog.Buffer{}, make(missing, 1)
	m, err := media.New(media.Config{PlayWait: time.Hour, Hooks: []hook.Hook{asked}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	defer m.Close()
	s, err := rtsp.NewServer(m, rtsp.Config{})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	conn := dial(t, ln.Addr().String())
	_, err = conn.Write([]byte("DESCRIBE rtsp://h/live/test RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
	require.NoError(t, err)
	<-asked
	conn.Close()
	require.Eventually(t, func() bool { return len(slices.Collect(m.Sessions())) == 0 }, patience, 5*time.Millisecond)
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-served, rtsp.ErrServerClosed)
	require.Empty(t, strings.TrimSpace(log.String()))
}

// missing hears of streams that are not there.
type missing chan struct{}

func (c missing) OnStreamNotFound(context.Context, *hook.PlayEvent) (bool, error) {
	c <- struct{}{}
	return false, nil
}
