package rtsp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// Any number of channels may have been in use before, and if too many are at a time, the server names others.
func TestManyLayouts(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, m)
	url := "rtsp://h/live/test"
	setup := func(conn net.Conn, channel int) (got int) {
		res := request(t, conn, fmt.Sprintf("SETUP %s/trackID=1 RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP/TCP;unicast;interleaved=%d-%d", url, channel, channel+1))
		_, err := fmt.Sscanf(header(res, "Transport"), "RTP/AVP/TCP;unicast;interleaved=%d-", &got)
		require.NoError(t, err, res)
		return got
	}
	play := "PLAY " + url + " RTSP/1.0\nCSeq: 2"
	for round := range 2 { // the second, once all of the first have gone, is as the first
		var conns []net.Conn
		for i := range 64 {
			conns = append(conns, dial(t, addr))
			require.Equal(t, 10+2*i, setup(conns[i], 10+2*i))
			say(t, conns[i], play)
		}
		last := dial(t, addr)
		require.Equal(t, 2, setup(last, 200), "round %d", round)
		say(t, last, play)
		for _, conn := range append(conns, last) {
			conn.Close()
		}
		st, _ := m.Stream(testKey)
		require.Eventually(t, func() bool { here, _ := st.Readers("rtsp"); return here == 0 }, patience, 5*time.Millisecond)
	}
}

// samples publishes audio of a codec to live/test, by the same publisher as before.
func samples(t *testing.T, pub *media.Publisher, track *media.Track, from time.Duration) (stop func()) {
	t.Helper()
	require.NoError(t, pub.SetTracks(track))
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for at := from; ctx.Err() == nil; at += 20 * time.Millisecond {
			_ = pub.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Data: []byte{0x78, 1, 2, 3}})
			time.Sleep(5 * time.Millisecond)
		}
	})
	return func() {
		cancel()
		writing.Wait()
	}
}

// When a track gets another codec, who plays it is told that it has ended, and who comes then gets the new one.
func TestCodecChange(t *testing.T) {
	for name, transport := range map[string]string{"TCP": viaTCP, "UDP": "UDP"} {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{}, rtsp.Config{})
			pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: testKey, Schema: "rtmp"})
			require.NoError(t, err)
			defer pub.Close(nil)
			stop := samples(t, pub, &media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}, 0)
			old, told := newViewer(t, addr, transport), newViewer(t, addr, transport)
			require.Contains(t, old.describe(t), "PCMA/8000")
			require.Contains(t, told.describe(t), "PCMA/8000")
			old.setUp(t)
			told.setUp(t)
			old.play(t)
			require.EqualValues(t, 8, old.payloadType(t))
			stop()
			defer samples(t, pub, &media.Track{ID: 1, Codec: media.Opus, ClockRate: 48000, SampleRate: 48000, Channels: 2}, time.Minute)()
			old.requireBye(t)
			later := newViewer(t, addr, transport)
			require.Contains(t, later.describe(t), "opus/48000/2")
			later.setUp(t)
			later.play(t)
			require.EqualValues(t, 96, later.payloadType(t))
			told.play(t) // it was told of what is no more
			told.requireBye(t)
		})
	}
}

// viewer plays live/test.
type viewer struct {
	conn      net.Conn
	r         *bufio.Reader
	udp       [2]*net.UDPConn
	transport string
}

func newViewer(t *testing.T, addr, transport string) *viewer {
	t.Helper()
	v := &viewer{conn: dial(t, addr), transport: transport}
	v.r = bufio.NewReader(v.conn)
	require.NoError(t, v.conn.SetDeadline(time.Now().Add(patience)))
	if transport == "UDP" {
		v.udp = udpPair(t)
		port := v.udp[0].LocalAddr().(*net.UDPAddr).Port
		v.transport = fmt.Sprintf(viaUDP, port, port+1)
	}
	return v
}

// udpPair opens an even port and the one after it.
func udpPair(t *testing.T) (pair [2]*net.UDPConn) {
	t.Helper()
	for range 50 {
		first, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		port := first.LocalAddr().(*net.UDPAddr).Port
		second, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1})
		if port%2 != 0 || err != nil {
			first.Close()
			if err == nil {
				second.Close()
			}
			continue
		}
		t.Cleanup(func() { first.Close(); second.Close() })
		return [2]*net.UDPConn{first, second}
	}
	t.Fatal("no pair of ports is free")
	return pair
}

// ask sends a request and returns the response.
func (v *viewer) ask(t *testing.T, text string) string {
	t.Helper()
	_, err := v.conn.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n"))
	require.NoError(t, err)
	return v.answer(t, text)
}

// answer returns the response that comes next but for media, which is that to text.
func (v *viewer) answer(t *testing.T, text string) string {
	t.Helper()
	for {
		b, err := v.r.Peek(4)
		require.NoError(t, err, text)
		if b[0] != '$' {
			break
		}
		_, err = v.r.Discard(4 + int(b[2])<<8 + int(b[3]))
		require.NoError(t, err)
	}
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := v.r.ReadString('\n')
		require.NoError(t, err, text)
		head.WriteString(line)
	}
	n := 0
	_, _ = fmt.Sscan(header(head.String(), "Content-Length"), &n)
	body := make([]byte, n)
	_, err := io.ReadFull(v.r, body)
	require.NoError(t, err)
	require.Contains(t, status(head.String()), " 200 ", text)
	return head.String() + string(body)
}

func (v *viewer) describe(t *testing.T) string {
	t.Helper()
	return v.ask(t, "DESCRIBE rtsp://h/live/test RTSP/1.0\nCSeq: 1")
}

func (v *viewer) setUp(t *testing.T) string {
	t.Helper()
	return v.ask(t, "SETUP rtsp://h/live/test/trackID=0 RTSP/1.0\nCSeq: 2\n"+v.transport)
}

func (v *viewer) play(t *testing.T) {
	t.Helper()
	v.ask(t, "PLAY rtsp://h/live/test RTSP/1.0\nCSeq: 3")
}

// packet returns the next packet: of channel 0 for RTP, 1 for RTCP.
func (v *viewer) packet(t *testing.T, channel byte) []byte {
	t.Helper()
	if v.udp[0] != nil {
		b := make([]byte, 1500)
		require.NoError(t, v.udp[channel].SetReadDeadline(time.Now().Add(patience)))
		n, err := v.udp[channel].Read(b)
		require.NoError(t, err)
		return b[:n]
	}
	for {
		head := make([]byte, 4)
		_, err := io.ReadFull(v.r, head)
		require.NoError(t, err)
		b := make([]byte, int(head[2])<<8|int(head[3]))
		_, err = io.ReadFull(v.r, b)
		require.NoError(t, err)
		if head[1] == channel {
			return b
		}
	}
}

func (v *viewer) payloadType(t *testing.T) byte {
	t.Helper()
	return v.packet(t, 0)[1] & 0x7f
}

// requireBye waits for the RTCP that ends the track, and for the end.
func (v *viewer) requireBye(t *testing.T) {
	t.Helper()
	for {
		if b := v.packet(t, 1); len(b) >= 10 && b[1] == 201 && b[9] == 203 {
			break
		}
	}
	for {
		_, err := v.r.ReadByte()
		if err == nil {
			continue
		}
		ne, ok := errors.AsType[net.Error](err)
		require.False(t, ok && ne.Timeout(), "the session goes on")
		return
	}
}
