package rtmp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

// The answer to FCUnpublish must not lie unread at an encoder that sends deleteStream and closes: it comes behind that,
// or after a moment.
func TestAnswerToFCUnpublishWaits(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	c.sendStream(2)
	waitStream(t, m, key("test"))
	c.command("FCUnpublish", 6.0, nil, "test")
	require.NoError(t, c.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := c.conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.Zero(t, n, "it came at once")
	require.NoError(t, c.conn.SetReadDeadline(time.Now().Add(patience)))
	c.await("onFCUnpublish")
	_, ok := m.Stream(key("test"))
	require.True(t, ok, "that is no end yet")
	for range 3 {
		c.command("FCUnpublish", 7.0, nil, "test")
	}
	c.command("deleteStream", 8.0, nil, 1.0)
	for range 3 {
		c.await("onFCUnpublish")
	}
	require.Eventually(t, func() bool { _, ok := m.Stream(key("test")); return !ok }, patience, time.Millisecond)
}
