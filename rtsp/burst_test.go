package rtsp_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// burster publishes G.711 twice, as if it were two microphones, by TCP or UDP.
type burster struct {
	t       *testing.T
	conn    net.Conn
	to      [4]net.Conn // by channel; nil: interleaved
	packers [2]*packetizer.Packetizer
}

func newBurster(t *testing.T, addr string, udp bool) *burster {
	t.Helper()
	b := &burster{t: t, conn: dial(t, addr)}
	const sdp = "v=0\nm=audio 0 RTP/AVP 8\na=control:0\nm=audio 0 RTP/AVP 0\na=control:1"
	res := request(t, b.conn, fmt.Sprintf("ANNOUNCE rtsp://h/live/test RTSP/1.0\nCSeq: 1\nContent-Length: %d\n\n%s", len(sdp)+strings.Count(sdp, "\n"), sdp))
	require.Contains(t, status(res), "200")
	for i, codec := range []media.Codec{media.G711A, media.G711U} {
		transport := fmt.Sprintf("RTP/AVP/TCP;unicast;mode=record;interleaved=%d-%d", 2*i, 2*i+1)
		var own [2]*net.UDPConn
		if udp {
			for j := range own {
				var err error
				own[j], err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
				require.NoError(t, err)
			}
			port := func(j int) int { return own[j].LocalAddr().(*net.UDPAddr).Port }
			transport = fmt.Sprintf("RTP/AVP;unicast;mode=record;client_port=%d-%d", port(0), port(1))
		}
		res := request(t, b.conn, fmt.Sprintf("SETUP rtsp://h/live/test/%d RTSP/1.0\nCSeq: 2\nTransport: %s", i, transport))
		require.Contains(t, status(res), "200")
		if udp {
			var ports [2]int
			_, text, ok := strings.Cut(header(res, "Transport"), "server_port=")
			require.True(t, ok)
			_, err := fmt.Sscanf(text, "%d-%d", &ports[0], &ports[1])
			require.NoError(t, err)
			for j := range own {
				from := own[j].LocalAddr().(*net.UDPAddr)
				own[j].Close()
				c, err := net.DialUDP("udp4", from, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: ports[j]})
				require.NoError(t, err)
				t.Cleanup(func() { c.Close() })
				b.to[2*i+j] = c
			}
		}
		z, err := packetizer.New(&media.Track{Codec: codec}, packetizer.Config{
			Channel: byte(2 * i), PayloadType: []uint8{8, 0}[i], ClockRate: 8000, SSRC: uint32(i + 1), Offset: uint32(i) * 0xfffff000,
		})
		require.NoError(t, err)
		b.packers[i] = z
	}
	require.Contains(t, status(request(t, b.conn, "RECORD rtsp://h/live/test RTSP/1.0\nCSeq: 3")), "200")
	return b
}

func (b *burster) write(frames []byte) {
	for len(frames) > 0 {
		n := 4 + int(binary.BigEndian.Uint16(frames[2:]))
		var err error
		if c := b.to[frames[1]]; c != nil {
			_, err = c.Write(frames[4:n])
		} else {
			_, err = b.conn.Write(frames[:n])
		}
		require.NoError(b.t, err)
		frames = frames[n:]
	}
}

// send sends the sound of a time, which tells it.
func (b *burster) send(track int, at time.Duration) {
	data := make([]byte, 160)
	binary.BigEndian.PutUint32(data, uint32(at/time.Millisecond))
	frames, err := b.packers[track].Append(nil, &media.Packet{Track: &media.Track{Codec: []media.Codec{media.G711A, media.G711U}[track]}, PTS: at, Data: data})
	require.NoError(b.t, err)
	b.write(frames)
}

// A publisher that first sends two seconds that it has kept, one track after the other, is in step from the beginning, by
// each transport, with sender reports and without.
func TestBurstingPublisher(t *testing.T) {
	for _, udp := range []bool{false, true} {
		for _, reports := range []bool{false, true} {
			t.Run(fmt.Sprintf("UDP %v reports %v", udp, reports), func(t *testing.T) {
				t.Parallel()
				m, addr := start(t, media.Config{}, rtsp.Config{PortRange: [2]int{45000, 45800}})
				b := newBurster(t, addr, udp)
				st := await(t, m)
				r := st.Read()
				defer r.Close()
				const kept, step = 2 * time.Second, 20 * time.Millisecond
				for track := range 2 {
					for at := time.Duration(0); at < kept; at += step {
						b.send(track, at)
					}
				}
				begun := time.Now()
				if reports {
					for _, z := range b.packers {
						b.write(z.AppendReport(nil, kept, begun))
					}
				}
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					for at := kept; ; at += step {
						select {
						case <-time.After(time.Until(begun.Add(at - kept))):
							b.send(0, at)
							b.send(1, at)
						case <-stop:
							return
						}
					}
				}()
				defer func() {
					close(stop)
					<-stopped
				}()
				within := 40 * time.Millisecond
				if !reports { // arrival is what there is to go by, and a busy machine hands on one socket later than the other
					within = 300 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				got := make([]*media.Packet, 64)
				offsets, seen := map[int]time.Duration{}, map[int]int{}
				for seen[0] < 150 || seen[1] < 150 {
					n, err := r.ReadBatch(ctx, got)
					require.NoError(t, err)
					for _, p := range got[:n] {
						track := 0
						if p.Track.Codec == media.G711U {
							track = 1
						}
						offsets[track] = p.PTS - time.Duration(binary.BigEndian.Uint32(p.Data))*time.Millisecond
						seen[track]++
						if len(offsets) == 2 {
							require.InDelta(t, offsets[0], offsets[1], float64(within))
						}
					}
				}
			})
		}
	}
}
