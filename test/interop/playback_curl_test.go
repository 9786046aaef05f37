package interop

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

// A script of RTSP: each request is answered as RFC 2326 has it, and what comes is of the place that the answer says.
func TestPlaybackByCurl(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	need(t, "curl")
	f := getFilm(ctx, t)
	s := openCinema(t).show(t, f.path, "film.mp4")
	text, err := stdout(ctx, "curl", "-sSi", s.rtspURL())
	require.NoError(t, err)
	require.Contains(t, text, "RTSP/1.0 200 OK\r\n")

	d := speakRTSP(ctx, t, s)
	answer := d.ask("OPTIONS", "")
	require.Equal(t, "200", answer.status)
	for _, method := range []string{"DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN"} {
		require.Contains(t, answer.head.Get("Public"), method)
	}
	answer = d.ask("DESCRIBE", "", "Accept: application/sdp")
	require.Equal(t, "200", answer.status)
	require.Regexp(t, `a=range:npt=0-60\.\d+\r\n`, answer.body)
	media, control := twoPorts(t)
	answer = d.ask("SETUP", "/"+videoControl(t, answer.body), fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%d-%d", portOf(media), portOf(control)))
	require.Equal(t, "200", answer.status)
	v := viewUDP(t, media)

	answer = d.ask("PLAY", "", "Range: npt=10.5-")
	v.requireFrom(answer, 10)
	answer = d.ask("PLAY", "", "Range: npt=0:00:41.1-")
	v.requireFrom(answer, 40)

	require.Equal(t, "200", d.ask("PAUSE", "").status)
	answer = d.ask("PLAY", "")
	require.Equal(t, "200", answer.status)
	begins, _ := rangeOf(t, answer)
	require.GreaterOrEqual(t, begins, 40.0, "where it was")
	require.Empty(t, answer.head.Get("Rtp-Info"), "the clock of RTP goes on")

	for i, scale := range []string{"2", "0.5", "4", "1"} {
		place := 10 + 6*i
		answer = d.ask("PLAY", "", fmt.Sprintf("Range: npt=%d-", place), "Scale: "+scale)
		require.Equal(t, scale, answer.head.Get("Scale"))
		v.requireFrom(answer, float64(place))
	}
	for _, bad := range []string{"0", "-1", "x", "1000", "NaN"} {
		require.Equal(t, "457", d.ask("PLAY", "", "Range: npt=20-", "Scale: "+bad).status, bad)
	}
	require.Equal(t, "457", d.ask("PLAY", "", "Range: npt=100-").status, "beyond the end")
	answer = d.ask("PLAY", "", "Range: npt=60-")
	v.requireFrom(answer, 58)

	require.Equal(t, "200", d.ask("TEARDOWN", "").status)
}

// videoControl is where the video is set up, by the description.
func videoControl(t *testing.T, sdp string) string {
	t.Helper()
	_, video, found := strings.Cut(sdp, "m=video")
	require.True(t, found, sdp)
	_, name, found := strings.Cut(video, "a=control:")
	require.True(t, found, sdp)
	name, _, _ = strings.Cut(name, "\r\n")
	return name
}

// rangeOf returns the Range of an answer to PLAY, in seconds.
func rangeOf(t *testing.T, r reply) (from, to float64) {
	t.Helper()
	_, err := fmt.Sscanf(r.head.Get("Range"), "npt=%f-%f", &from, &to)
	require.NoError(t, err, r.head)
	require.InDelta(t, filmSeconds, to, 0.5)
	return from, to
}

// udpViewer gets RTP by UDP. It reads always, so that nothing is lost for want of room.
type udpViewer struct {
	t      *testing.T
	stamps chan uint32 // of what has come
}

// stampsKept is how many packets may wait to be looked at: those of the whole film, and more.
const stampsKept = 1 << 16

// viewUDP reads a connection until that is closed.
func viewUDP(t *testing.T, conn net.PacketConn) *udpViewer {
	t.Helper()
	v := &udpViewer{t: t, stamps: make(chan uint32, stampsKept)}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		b := make([]byte, 1500)
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var packet rtp.Packet
			if packet.Unmarshal(b[:n]) != nil {
				continue
			}
			select {
			case v.stamps <- packet.Timestamp:
			default: // far more than the film has
			}
		}
	}()
	return v
}

// requireFrom requires that PLAY has begun at that second, with the packet that the answer announces.
func (v *udpViewer) requireFrom(r reply, seconds float64) {
	v.t.Helper()
	require.Equal(v.t, "200", r.status)
	begins, _ := rangeOf(v.t, r)
	require.InDelta(v.t, seconds, begins, 0.1)
	_, text, found := strings.Cut(r.head.Get("Rtp-Info"), "rtptime=")
	require.True(v.t, found, r.head)
	stamp, err := strconv.ParseUint(text, 10, 32)
	require.NoError(v.t, err)
	v.awaitStamp(uint32(stamp))
}

// awaitStamp waits until the clock of RTP is at a time, or up to three pictures behind it, as the first picture is shown after it
// is decoded. What was on its way is of another place.
func (v *udpViewer) awaitStamp(stamp uint32) {
	v.t.Helper()
	late := time.After(patience)
	for {
		select {
		case got := <-v.stamps:
			if got-stamp <= 3*90000/pictureRate {
				return
			}
		case <-late:
			v.t.Fatal("nothing comes of the place that was announced")
		}
	}
}
