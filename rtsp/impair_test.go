package rtsp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// impairment says what a proxy does to datagrams.
type impairment struct {
	lose, double, delay float64       // the share of datagrams
	blackout            time.Duration // within which none arrives, beginning a second after the start
}

// impair forwards what comes to a UDP port to another one, as badly as it is told, until the test ends. It returns
// the port, and when the blackout is over.
func impair(t *testing.T, to int, how impairment) (port int, over time.Time) {
	t.Helper()
	in, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	out, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to})
	require.NoError(t, err)
	begin := time.Now().Add(time.Second)
	over = begin.Add(how.blackout)
	var forwarding sync.WaitGroup
	forwarding.Go(func() {
		rnd := rand.New(rand.NewPCG(7, 7))
		var late [][]byte
		b := make([]byte, 2048)
		for {
			n, err := in.Read(b)
			if err != nil {
				return
			}
			if now := time.Now(); now.After(begin) && now.Before(over) || rnd.Float64() < how.lose {
				continue
			}
			if rnd.Float64() < how.delay { // it goes out behind one of the next
				late = append(late, bytes.Clone(b[:n]))
				continue
			}
			_, _ = out.Write(b[:n])
			if rnd.Float64() < how.double {
				_, _ = out.Write(b[:n])
			}
			if len(late) > 0 && rnd.IntN(3) == 0 {
				_, _ = out.Write(late[0])
				late = late[1:]
			}
		}
	})
	t.Cleanup(func() {
		in.Close()
		forwarding.Wait()
		out.Close()
	})
	return in.LocalAddr().(*net.UDPAddr).Port, over
}

const (
	impairedGOP      = 25
	impairedPictures = 900
)

// impairedPicture is one whose every byte tells its number.
func impairedPicture(i int) []byte {
	head := []byte{0x41, 0x9a}
	if i%impairedGOP == 0 {
		head = []byte{0x65, 0x88}
	}
	nal := binary.BigEndian.AppendUint32(bytes.Clone(head), uint32(i)|0x01010101)
	for len(nal) < 3000+i%700 {
		nal = append(nal, byte(i)|1)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(nal))), nal...)
}

// publishUDP announces H.264 and returns the server's port for it.
func publishUDP(t *testing.T, addr string) (conn net.Conn, port int) {
	t.Helper()
	conn = dial(t, addr)
	const sdp = "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1;" +
		"sprop-parameter-sets=Z2QADKw7ULBLQgAAAwACAAADAD0I,aO48gA==\na=control:0"
	res := request(t, conn, fmt.Sprintf("ANNOUNCE rtsp://h/live/test RTSP/1.0\nCSeq: 1\nContent-Length: %d\n\n%s", len(sdp)+strings.Count(sdp, "\n"), sdp))
	require.Contains(t, status(res), "200")
	res = request(t, conn, "SETUP rtsp://h/live/test/0 RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP;unicast;mode=record;client_port=9000-9001")
	require.Contains(t, status(res), "200")
	_, ports, ok := strings.Cut(header(res, "Transport"), "server_port=")
	require.True(t, ok)
	_, err := fmt.Sscanf(ports, "%d", &port)
	require.NoError(t, err)
	require.Contains(t, status(request(t, conn, "RECORD rtsp://h/live/test RTSP/1.0\nCSeq: 3")), "200")
	return conn, port
}

// Whatever a network does to a publisher's datagrams, every picture that comes out is whole and can be decoded.
func TestImpairedPublisher(t *testing.T) {
	for name, how := range map[string]impairment{
		"nothing":    {},
		"reordering": {delay: 0.1},
		"doubled":    {double: 0.2},
		"loss":       {lose: 0.01},
		"all":        {lose: 0.005, double: 0.05, delay: 0.05},
		"blackout":   {blackout: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, addr := start(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}, rtsp.Config{PortRange: [2]int{43000, 43800}})
			_, server := publishUDP(t, addr)
			port, over := impair(t, server, how)
			st := await(t, m)
			r := st.Read()
			defer r.Close()
			to, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			require.NoError(t, err)
			defer to.Close()
			z, err := packetizer.New(&media.Track{Codec: media.H264}, packetizer.Config{PayloadType: 96, ClockRate: 90000, MaxPayload: 1000})
			require.NoError(t, err)

			var sent sync.Map // number to time
			var sending sync.WaitGroup
			sending.Go(func() {
				for i := range impairedPictures {
					b, err := z.Append(nil, &media.Packet{
						Track: &media.Track{Codec: media.H264}, PTS: time.Duration(i) * 40 * time.Millisecond, Data: impairedPicture(i),
					})
					if err != nil {
						return
					}
					sent.Store(i, time.Now())
					for len(b) > 0 {
						n := 4 + int(binary.BigEndian.Uint16(b[2:]))
						_, _ = to.Write(b[4:n])
						b = b[n:]
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
			defer sending.Wait()

			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			last, count, recovered := -1, 0, -1
			dst := make([]*media.Packet, 64)
			for last < impairedPictures-2*impairedGOP {
				n, err := r.ReadBatch(ctx, dst)
				require.NoError(t, err, "after picture %d", last)
				for _, p := range dst[:n] {
					i := number(t, p.Data)
					require.Greater(t, i, last)
					require.True(t, i == last+1 || p.Key, "picture %d after %d", i, last)
					require.Equal(t, i%impairedGOP == 0, p.Key)
					if at, _ := sent.Load(i); recovered < 0 && at.(time.Time).After(over) {
						recovered = i
					}
					last = i
					count++
				}
			}
			lost := uint64(0) // packets that were not waited for any longer
			for x := range m.Sessions() {
				lost += x.Lost()
			}
			t.Logf("%d of %d pictures, %d packets lost", count, last+1, lost)
			switch {
			case how.blackout > 0:
				first := 0 // picture after the blackout
				for at, _ := sent.Load(first); at.(time.Time).Before(over); at, _ = sent.Load(first) {
					first++
				}
				require.LessOrEqual(t, recovered-first, impairedGOP+1, "recovery takes more than a GOP")
			case how.lose == 0 && lost == 0:
				require.Equal(t, last+1, count, "nothing was lost")
			case how.lose == 0: // on a busy machine what is late may be too late
				require.Positive(t, how.delay)
				require.Greater(t, count, last*9/10)
			default:
				require.Greater(t, count, last/10)
				require.GreaterOrEqual(t, st.Stats().Tracks[0].Loss, 0.)
				require.Positive(t, lost)
			}
		})
	}
}

// number returns which picture data is, which must be whole.
func number(t *testing.T, data []byte) int {
	t.Helper()
	require.Greater(t, len(data), 10)
	for i := int(data[10]) &^ 1; i < impairedPictures+256; i += 256 { // the numbers whose bytes these may be
		for _, n := range []int{i, i + 1} {
			if bytes.Equal(data, impairedPicture(n)) {
				return n
			}
		}
	}
	t.Fatal("a picture that was not published")
	return 0
}
