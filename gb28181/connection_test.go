package gb28181_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// hangUp waits until the other side closes a connection.
func hangUp(t testing.TB, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := conn.Read(make([]byte, 1))
	require.Zero(t, n)
	var late net.Error
	require.False(t, errors.As(err, &late) && late.Timeout(), "it is open: %v", err)
}

// A connection to the port for all ends with the stream that it feeds, also if it stays open and silent.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{Timeout: 300 * time.Millisecond})
	conn := dialTCP(t, portForAll(t, s))
	d := newDevice(t, toTCP(t, conn))
	d.send(0, 30)
	hangUp(t, conn)
	_, ok := m.Stream(media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: fmt.Sprintf("%08X", d.ssrc)})
	require.False(t, ok)
}

// One in whose place another feeds the stream ends, and that goes on, however long it has been silent if it may be.
func TestConnectionInPlaceOfAnother(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{Timeout: 500 * time.Millisecond})
	port := open(t, s, gb28181.Request{Mode: gb28181.TCPPassive})
	require.NoError(t, s.SuspendTimeout(camera, time.Hour))
	before := dialTCP(t, port)
	d := newDevice(t, toTCP(t, before))
	d.send(0, 30)
	st := await(t, m, camera)
	time.Sleep(2100 * time.Millisecond)
	d.write = toTCP(t, dialTCP(t, port))
	d.send(30, 60)
	hangUp(t, before)
	time.Sleep(time.Second)
	frames := st.Stats().Tracks[0].Frames
	d.send(60, 90)
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames > frames }, patience, time.Millisecond)
}
