package rtsp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// A control may stand in front of the query or behind it.
func TestControlAndQuery(t *testing.T) {
	const query = "?token=a/b&u=1"
	m, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, m)
	play, publish := "rtsp://h/live/test", "rtsp://h/live/new"
	for _, url := range []string{play + query + "/trackID=1", play + "/trackID=1" + query, play + "/trackID=1", play + "/trackID=1/" + query} {
		conn := dial(t, addr)
		say(t, conn, "DESCRIBE "+play+query+" RTSP/1.0\nCSeq: 1", "SETUP "+url+" RTSP/1.0\nCSeq: 2\n"+viaTCP)
		say(t, conn, "PLAY "+url+" RTSP/1.0\nCSeq: 3")
	}
	two := "v=0\nm=audio 0 RTP/AVP 8\na=control:streamid=0\nm=audio 0 RTP/AVP 0\na=control:streamid=1\n"
	for _, form := range []string{query + "/streamid=%d", "/streamid=%d" + query, "/streamid=%d"} {
		conn := dial(t, addr)
		say(t, conn, announceOf(publish+query, two))
		for i := range 2 {
			say(t, conn, "SETUP "+publish+fmt.Sprintf(form, i)+" RTSP/1.0\nCSeq: 2\n"+fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d;mode=record", 2*i, 2*i+1))
		}
		say(t, conn, "RECORD "+publish+query+" RTSP/1.0\nCSeq: 3", "TEARDOWN "+publish+query+" RTSP/1.0\nCSeq: 4")
		require.Eventually(t, func() bool {
			_, ok := m.Stream(media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "new"})
			return !ok
		}, patience, 10*time.Millisecond)
	}
}
