package rtsp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// film lets m play a clip of 6 s to whoever asks for it, each from its beginning.
func film(t testing.TB, m *media.Server) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return c.Source(), nil }))
}

// filmViewer is a client that plays by TCP and reads what comes in between.
type filmViewer struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	last rtp.Packet // of the first track
	n    int
}

// ask sends a request and returns the response, past what is played before it.
func (v *filmViewer) ask(method, url string, more ...string) (code string, head textproto.MIMEHeader, body string) {
	v.t.Helper()
	_, err := fmt.Fprintf(v.conn, "%s rtsp://h/live/film%s RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", method, url, strings.Join(append(more, ""), "\r\n"))
	require.NoError(v.t, err)
	for v.frame() {
	}
	text := textproto.NewReader(v.r)
	line, err := text.ReadLine()
	require.NoError(v.t, err)
	head, err = text.ReadMIMEHeader()
	require.NoError(v.t, err)
	n, _ := strconv.Atoi(head.Get("Content-Length"))
	b := make([]byte, n)
	_, err = io.ReadFull(v.r, b)
	require.NoError(v.t, err)
	return strings.Fields(line)[1], head, string(b)
}

// frame reads an interleaved frame, if one is next.
func (v *filmViewer) frame() bool {
	v.t.Helper()
	require.NoError(v.t, v.conn.SetReadDeadline(time.Now().Add(patience)))
	b, err := v.r.Peek(4)
	require.NoError(v.t, err)
	if b[0] != '$' {
		return false
	}
	channel := b[1]
	packet := make([]byte, 4+(int(b[2])<<8|int(b[3])))
	_, err = io.ReadFull(v.r, packet)
	require.NoError(v.t, err)
	if channel == 0 {
		require.NoError(v.t, v.last.Unmarshal(packet[4:]))
		v.n++
	}
	return true
}

// next returns the timestamp of the next picture.
func (v *filmViewer) next() uint32 {
	v.t.Helper()
	for n := v.n; v.n == n; {
		require.True(v.t, v.frame())
	}
	return v.last.Timestamp
}

func rtptime(t *testing.T, head textproto.MIMEHeader) uint32 {
	t.Helper()
	_, text, ok := strings.Cut(head.Get("RTP-Info"), "rtptime=")
	require.True(t, ok, head)
	text, _, _ = strings.Cut(text, ",")
	n, err := strconv.ParseUint(text, 10, 32)
	require.NoError(t, err)
	return uint32(n)
}

func TestSourceIsPausedAndSought(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	film(t, m)
	conn := dial(t, addr)
	v := &filmViewer{t: t, conn: conn, r: bufio.NewReader(conn)}
	_, _, body := v.ask("DESCRIBE", "")
	require.Contains(t, body, "a=range:npt=0-6.")
	for i := range 2 {
		code, _, _ := v.ask("SETUP", fmt.Sprintf("/trackID=%d", i), fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d", 2*i, 2*i+1))
		require.Equal(t, "200", code)
	}
	code, head, _ := v.ask("PLAY", "", "Range: npt=4.5-")
	require.Equal(t, "200", code)
	require.Regexp(t, `^npt=4\.0\d\d-6\.\d+$`, head.Get("Range"))
	first := v.next()
	require.Equal(t, rtptime(t, head), first, "RTP-Info tells the first packet")

	code, head, _ = v.ask("PLAY", "", "Range: npt=0-", "Scale: 2")
	require.Equal(t, "200", code)
	require.Equal(t, "2", head.Get("Scale"))
	begin := rtptime(t, head)
	require.Less(t, v.next()-begin, uint32(90000/25), "nothing of the place before comes after the answer; sound begins a little earlier")
	require.InDelta(t, 4*90000, float64(first-begin), 90000/10)

	code, head, _ = v.ask("PLAY", "", "Range: npt=0-", "Speed: 0.1")
	require.Equal(t, "200", code)
	require.Equal(t, "0.1", head.Get("Speed"))
	for until := time.Now().Add(300 * time.Millisecond); time.Now().Before(until); {
		require.Less(t, v.next()-begin, uint32(90000/2), "at its own speed a second comes at once")
	}
	code, _, _ = v.ask("PLAY", "", "Range: npt=0-")
	require.Equal(t, "200", code)
	v.next()
	code, _, _ = v.ask("PAUSE", "")
	require.Equal(t, "200", code)
	at := v.last.Timestamp
	for _, bad := range []string{"Scale: -1", "Scale: x", "Speed: 0", "Speed: fast"} {
		code, _, _ = v.ask("PLAY", "", bad)
		require.Equal(t, "457", code)
	}
	code, head, _ = v.ask("PLAY", "", "Scale: 1")
	require.Equal(t, "200", code)
	require.NotContains(t, head, "Rtp-Info", "it goes on")
	require.Less(t, v.next()-at, uint32(90000), "where it was")
	code, _, _ = v.ask("TEARDOWN", "")
	require.Equal(t, "200", code)
	require.Eventually(t, func() bool {
		for range m.Sessions() {
			return false
		}
		return true
	}, patience, time.Millisecond)
}

func TestNormalPlayTimes(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	film(t, m)
	for text, want := range map[string]string{
		"npt=2.5-": "npt=2.0", "npt=0:00:02.5-3": "npt=2.0", "npt=now-": "npt=0.0", "npt=-3": "npt=0.0", "npt=1e300-": "npt=0.0",
		"npt=NaN-": "npt=0.0", "clock=19961108T142300Z-": "npt=0.0", "npt=1:2-": "npt=0.0", "": "npt=0.0",
	} {
		conn := dial(t, addr)
		v := &filmViewer{t: t, conn: conn, r: bufio.NewReader(conn)}
		v.ask("SETUP", "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
		code, head, _ := v.ask("PLAY", "", "Range: "+text)
		require.Equal(t, "200", code, text)
		require.True(t, strings.HasPrefix(head.Get("Range"), want), "%q: %q", text, head.Get("Range"))
		conn.Close()
	}
}

// There is nothing beyond the end of a film: who asks for that is told so, and stays where he was, as fast as he was.
func TestRangeBeyondTheEnd(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	film(t, m)
	conn := dial(t, addr)
	v := &filmViewer{t: t, conn: conn, r: bufio.NewReader(conn)}
	_, _, body := v.ask("DESCRIBE", "")
	_, end, ok := strings.Cut(body, "a=range:npt=0-")
	require.True(t, ok)
	end, _, _ = strings.Cut(end, "\r\n")
	v.ask("SETUP", "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
	beyond := []string{"Range: npt=6.1-", "Range: npt=999-", "Range: npt=99:99:99-"}
	for _, bad := range beyond {
		code, _, _ := v.ask("PLAY", "", bad)
		require.Equal(t, "457", code, bad)
	}
	code, head, _ := v.ask("PLAY", "", "Range: npt=0-")
	require.Equal(t, "200", code, "it has not begun yet")
	begin := rtptime(t, head)
	require.Less(t, v.next()-begin, uint32(90000/25))
	for _, bad := range beyond {
		before := v.last.Timestamp
		code, _, _ = v.ask("PLAY", "", bad, "Scale: 0.1")
		require.Equal(t, "457", code, bad)
		require.Less(t, v.next()-before, uint32(2*90000), "it goes on where it was")
	}
	at := time.Now()
	for v.last.Timestamp-begin < 3*90000 {
		v.next()
	}
	require.Less(t, time.Since(at), patience, "as fast as it was")
	for _, last := range [][]string{{"Range: npt=" + end + "-"}, {"Range: npt=999-", "User-Agent: Lavf59.27.100"}} {
		code, head, _ = v.ask("PLAY", "", last...)
		require.Equal(t, "200", code, "the end that was told is not beyond it, and ffmpeg would wait for ever")
		require.InDelta(t, 4*90000, float64(rtptime(t, head)-begin), 90000/10)
	}
}

// tape is a source that cannot seek, and begins later than at 0.
type tape struct{ media.Source }

const tapeBegins = 3 * time.Second

func (s tape) ReadPacket(ctx context.Context) (*media.Packet, error) {
	p, err := s.Source.ReadPacket(ctx)
	if err == nil {
		p.DTS, p.PTS = p.DTS+tapeBegins, p.PTS+tapeBegins
	}
	return p, err
}

func (s tape) Seek(context.Context, time.Duration) (time.Duration, error) {
	return 0, errors.New("a tape cannot be sought")
}

// Who begins at the beginning needs no source that can seek: it is not asked to.
func TestSourceThatCannotSeek(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return tape{c.Source()}, nil }))
	for _, fields := range [][]string{nil, {"Range: npt=0-"}, {"Range: npt=0.000-"}, {"Range: npt=now-"}, {"Range: npt=-"}, {"Scale: 2"}} {
		conn := dial(t, addr)
		v := &filmViewer{t: t, conn: conn, r: bufio.NewReader(conn)}
		v.ask("SETUP", "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
		code, _, _ := v.ask("PLAY", "", "Range: npt=2-")
		require.Equal(t, "457", code)
		code, head, _ := v.ask("PLAY", "", fields...)
		require.Equal(t, "200", code, fields)
		require.Regexp(t, `^npt=3\.0\d\d-`, head.Get("Range"), "where it begins")
		require.Less(t, v.next()-rtptime(t, head), uint32(90000/25), "sound begins a little earlier")
		code, _, _ = v.ask("PAUSE", "")
		require.Equal(t, "200", code)
		code, _, _ = v.ask("PLAY", "", "Range: npt=now-")
		require.Equal(t, "200", code, "it goes on")
		code, _, _ = v.ask("PLAY", "", "Range: npt=0-")
		require.Equal(t, "457", code)
		v.next()
		conn.Close()
	}
}
