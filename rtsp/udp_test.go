package rtsp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// Ports that a player has named are not another's, as long as it is there.
func TestTakenPorts(t *testing.T) {
	for name, cfg := range map[string]rtsp.Config{"shared": {}, "of the session": {SessionPorts: true, PortRange: [2]int{44000, 44100}}} {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{}, cfg)
			publishClip(t, m)
			setup := func(track int, transport string) string {
				return fmt.Sprintf("SETUP rtsp://h/live/test/trackID=%d RTSP/1.0\nCSeq: 1\nTransport: %s", track, transport)
			}
			udp := func(port int) string { return fmt.Sprintf("RTP/AVP;unicast;client_port=%d-%d", port, port+1) }
			victim := dial(t, addr)
			say(t, victim, setup(0, udp(45000)), setup(0, udp(45000)), setup(1, udp(45002)), setup(1, udp(45004)), setup(0, udp(45000)))
			other := dial(t, addr)
			for _, port := range []int{45000, 45001, 44999, 45004} {
				require.Contains(t, status(request(t, other, setup(0, udp(port)))), " 461 ", "port %d", port)
			}
			say(t, other, setup(0, udp(45002)))
			third := dial(t, addr)
			res := request(t, third, setup(0, udp(45000)+",RTP/AVP/TCP;unicast;interleaved=0-1"))
			require.Contains(t, header(res, "Transport"), "interleaved=0-1", "the next choice")
			victim.Close()
			require.Eventually(t, func() bool {
				return strings.Contains(status(request(t, dial(t, addr), setup(0, udp(45000)))), " 200 ")
			}, patience, 10*time.Millisecond)
		})
	}
}

// Media comes from the port that the publisher sends from, and from no other of its host.
func TestForeignMediaIsNotTaken(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{PortRange: [2]int{44200, 44300}})
	p := recordByUDP(t, addr)
	foreign := udpPair(t)
	p.send(p.own, 1)
	r := await(t, m).Read()
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	packets := make([]*media.Packet, 64)
	for got := 0; got < 50; {
		p.seq++
		p.send(foreign[0], 2)
		p.send(p.own, 1)
		n, err := r.ReadBatch(ctx, packets)
		require.NoError(t, err)
		for _, p := range packets[:n] {
			require.EqualValues(t, 1, p.Data[0])
		}
		got += n
	}
}

// What was sent by UDP before TEARDOWN, which comes by TCP, is not lost; and when that is answered the name is free.
func TestTeardownBehindDatagrams(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{PortRange: [2]int{44802, 44902}})
	for range 5 {
		p := recordByUDP(t, addr)
		p.send(p.own, 1)
		r := await(t, m).Read()
		defer r.Close()
		const burst = 300
		for range burst {
			p.seq++
			p.send(p.own, 1)
		}
		require.Contains(t, status(request(t, p.conn, "TEARDOWN "+p.url+" RTSP/1.0\nCSeq: 4")), " 200 ")
		packets, got := make([]*media.Packet, 64), 0
		for {
			n, err := r.ReadBatch(t.Context(), packets)
			got += n
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
		}
		require.Equal(t, 1+burst, got)
	}
}

// udpPublisher publishes G.711 by UDP.
type udpPublisher struct {
	t    *testing.T
	conn net.Conn
	url  string
	own  *net.UDPConn // the port that it has named
	to   int
	seq  uint16
}

func recordByUDP(t *testing.T, addr string) *udpPublisher {
	t.Helper()
	p := &udpPublisher{t: t, conn: dial(t, addr), url: "rtsp://h/live/test", own: udpPair(t)[0]}
	port := p.own.LocalAddr().(*net.UDPAddr).Port
	say(t, p.conn, announce(p.url))
	res := request(t, p.conn, "SETUP "+p.url+"/streamid=0 RTSP/1.0\nCSeq: 2\n"+fmt.Sprintf(viaUDP, port, port+1)+inRecord)
	_, err := fmt.Sscanf(header(res, "Transport")[strings.Index(header(res, "Transport"), "server_port="):], "server_port=%d-", &p.to)
	require.NoError(t, err)
	say(t, p.conn, "RECORD "+p.url+" RTSP/1.0\nCSeq: 3")
	return p
}

// send sends the packet that is next, of 20 ms.
func (p *udpPublisher) send(from *net.UDPConn, fill byte) {
	p.t.Helper()
	b := binary.BigEndian.AppendUint16([]byte{0x80, 8}, p.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(p.seq)*160)
	b = append(binary.BigEndian.AppendUint32(b, 7), bytes.Repeat([]byte{fill}, 160)...)
	_, err := from.WriteToUDP(b, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.to})
	require.NoError(p.t, err)
}

// pipes is a listener whose connections have no IP addresses.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return nil }

// nowhere is a connection that does not even say where it comes from.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr { return nil }
func (nowhere) LocalAddr() net.Addr  { return nil }

// Who has no IP address gets no UDP.
func TestNoAddress(t *testing.T) {
	log := &testlog.Buffer{}
	m, err := media.New(media.Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	publishClip(t, m)
	for name, cfg := range map[string]rtsp.Config{"shared": {}, "of the session": {SessionPorts: true}} {
		s, err := rtsp.NewServer(m, cfg)
		require.NoError(t, err)
		ln, served := make(pipes), make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		for _, plain := range []bool{true, false} {
			dial := func() net.Conn {
				client, server := net.Pipe()
				t.Cleanup(func() { client.Close() })
				if plain {
					ln <- server
				} else {
					ln <- nowhere{server}
				}
				return client
			}
			play, publish := "rtsp://h/live/test", "rtsp://h/live/new"
			player := dial()
			for _, transport := range []string{fmt.Sprintf(viaUDP, 5000, 5001), "Transport: RTP/AVP;multicast"} {
				res := request(t, player, "SETUP "+play+"/trackID=0 RTSP/1.0\nCSeq: 1\n"+transport)
				require.Contains(t, status(res), " 461 ", "%s: %s", name, transport)
			}
			say(t, player, "SETUP "+play+"/trackID=0 RTSP/1.0\nCSeq: 1\n"+viaTCP, "PLAY "+play+" RTSP/1.0\nCSeq: 2")
			player.Close()
			publisher := dial()
			say(t, publisher, announce(publish))
			res := request(t, publisher, "SETUP "+publish+"/streamid=0 RTSP/1.0\nCSeq: 2\n"+fmt.Sprintf(viaUDP, 5000, 5001)+inRecord)
			require.Contains(t, status(res), " 461 ", name)
			publisher.Close()
		}
		require.NoError(t, s.Close())
		close(ln)
		require.Error(t, <-served)
	}
	require.NoError(t, m.Close())
	require.NotContains(t, log.String(), "panic")
}

// Neither does a pull over such a connection, which could not tell from where media may come.
func TestNoAddressForClients(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{Transport: rtsp.UDP})
	publishClip(t, m)
	to, _ := relay(t, rtsp.Config{})
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return nowhere{conn}, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := rtsp.Pull(ctx, to, "rtsp://"+addr+"/live/test", testKey, rtsp.ClientConfig{Transport: rtsp.UDP, Dial: dial})
	refused, ok := errors.AsType[*rtsp.StatusError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 461, refused.Code)
}

// Nobody keeps the ports of a server by asking for them and being silent.
func TestPortsGiveWay(t *testing.T) {
	_, addr := start(t, media.Config{}, rtsp.Config{PortRange: [2]int{44400, 44500}, HandshakeTimeout: time.Hour})
	many := "v=0\n"
	for i := range 20 {
		many += fmt.Sprintf("m=audio 0 RTP/AVP 8\na=control:streamid=%d\n", i)
	}
	setup := func(url string, i int) string {
		return fmt.Sprintf("SETUP %s/streamid=%d RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP;unicast;client_port=5000-5001;mode=record", url, i)
	}
	var silent []net.Conn
	for i := range 10 {
		url := fmt.Sprintf("rtsp://h/live/%d", i)
		conn := dial(t, addr)
		silent = append(silent, conn)
		say(t, conn, announceOf(url, many))
		for track := range 16 {
			say(t, conn, setup(url, track))
		}
		require.Contains(t, status(request(t, conn, setup(url, 16))), " 461 ", "more than a session may have")
		say(t, conn, setup(url, 3)) // again
	}
	url := "rtsp://h/live/test"
	say(t, dial(t, addr), announce(url), setup(url, 0), "RECORD "+url+" RTSP/1.0\nCSeq: 3")
	requireHangUp(t, silent[0], "the first has given way")
}

// Nor do those of many addresses together.
func TestPortsGiveWayToOtherAddresses(t *testing.T) {
	_, addr := start(t, media.Config{}, rtsp.Config{PortRange: [2]int{44502, 44602}, HandshakeTimeout: time.Hour})
	const tracks = 10
	many := "v=0\n"
	for i := range tracks {
		many += fmt.Sprintf("m=audio 0 RTP/AVP 8\na=control:streamid=%d\n", i)
	}
	var silent []net.Conn
	for i := range 6 {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(10+i))}}
		conn, err := dialer.Dial("tcp", addr)
		if err != nil {
			t.Skip("this system has one loopback address:", err)
		}
		t.Cleanup(func() { conn.Close() })
		silent = append(silent, conn)
		url := fmt.Sprintf("rtsp://h/live/%d", i)
		say(t, conn, announceOf(url, many))
		for track := range tracks {
			say(t, conn, fmt.Sprintf("SETUP %s/streamid=%d RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP;unicast;client_port=5000-5001;mode=record", url, track))
		}
	}
	requireHangUp(t, silent[0], "the first has given way")
}
