package gb28181_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/mpegps"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// patience is how long is waited for what has to come.
const patience = 30 * time.Second

func start(t *testing.T, cfg media.Config, c gb28181.Config) (*media.Server, *gb28181.Server) {
	t.Helper()
	m, err := media.New(cfg)
	require.NoError(t, err)
	if c.PortRange == [2]int{} {
		c.PortRange = [2]int{46000, 46900}
	}
	if !c.LocalIP.IsValid() {
		c.LocalIP = netip.MustParseAddr("127.0.0.1")
	}
	s, err := gb28181.NewServer(m, c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m, s
}

// film is the packets of a clip of testmedia: an H.264 stream with AAC.
func film(t testing.TB) (tracks []*media.Track, packets []*media.Packet) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264B()))
	require.NoError(t, err)
	src := c.Source()
	for {
		p, err := src.ReadPacket(t.Context())
		if err != nil {
			break
		}
		packets = append(packets, p)
	}
	return src.Tracks(), packets
}

// device sends MPEG-PS in RTP.
type device struct {
	tb      testing.TB
	write   func(packet []byte) error
	muxer   *mpegps.Muxer
	packets []*media.Packet
	ssrc    uint32
	seq     uint16
	payload uint8
	size    int           // of a payload
	pace    time.Duration // between packets of media
}

func newDevice(t testing.TB, write func([]byte) error) *device {
	t.Helper()
	tracks, packets := film(t)
	z, err := mpegps.NewMuxer(tracks)
	require.NoError(t, err)
	return &device{tb: t, write: write, muxer: z, packets: packets, ssrc: 0x1234, payload: 96, size: 1300, pace: 5 * time.Millisecond}
}

// send sends packets of the film, a few at a time.
func (d *device) send(from, to int) {
	d.tb.Helper()
	for _, p := range d.packets[from:to] {
		b, err := d.muxer.Append(nil, p)
		require.NoError(d.tb, err)
		for _, x := range d.packetize(b, uint32(p.DTS*90000/time.Second)) {
			require.NoError(d.tb, d.write(x))
		}
		time.Sleep(d.pace)
	}
}

// packetize puts bytes into RTP packets.
func (d *device) packetize(b []byte, stamp uint32) (packets [][]byte) {
	for len(b) > 0 {
		n := min(d.size, len(b))
		marker := byte(0)
		if n == len(b) {
			marker = 0x80
		}
		x := binary.BigEndian.AppendUint16([]byte{0x80, marker | d.payload}, d.seq)
		x = binary.BigEndian.AppendUint32(x, stamp)
		x = binary.BigEndian.AppendUint32(x, d.ssrc)
		packets = append(packets, append(x, b[:n]...))
		d.seq++
		b = b[n:]
	}
	return packets
}

func toUDP(t testing.TB, port int) func([]byte) error {
	t.Helper()
	conn, err := net.Dial("udp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return func(b []byte) error {
		if _, err := conn.Write(b); !errors.Is(err, syscall.ECONNREFUSED) { // the port may be closed by now
			return err
		}
		return nil
	}
}

func toTCP(t testing.TB, conn net.Conn) func([]byte) error {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	return func(b []byte) error {
		_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) { // it may be hung up on
			return nil
		}
		return err
	}
}

func dialTCP(t testing.TB, port int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String())
	require.NoError(t, err)
	return conn
}

func await(t testing.TB, m *media.Server, key media.StreamKey) *media.Stream {
	t.Helper()
	var st *media.Stream
	require.Eventually(t, func() (ok bool) {
		st, ok = m.Stream(key)
		return ok
	}, patience, time.Millisecond)
	return st
}

// slicesOf is what shows of a picture.
func slicesOf(p *media.Packet) (b []byte) {
	if !p.Track.Codec.Video() {
		return p.Data
	}
	for unit := range h26x.Units(p.Data) {
		if h26x.IsSlice(p.Track.Codec, h26x.UnitType(p.Track.Codec, unit[0])) {
			b = append(b, unit...)
		}
	}
	return b
}

// requireRun reads so many packets of a stream, and requires that those of each kind are a run of the film's, with its distances.
func requireRun(t testing.TB, st *media.Stream, film []*media.Packet, count int) {
	t.Helper()
	r := st.Read()
	defer r.Close()
	got := readPackets(t, r, count)
	for _, video := range []bool{true, false} {
		of := func(list []*media.Packet) []*media.Packet {
			return slices.DeleteFunc(slices.Clone(list), func(p *media.Packet) bool { return p.Track.Codec.Video() != video })
		}
		have, want := of(got), of(film)
		if len(have) == 0 {
			continue
		}
		at := slices.IndexFunc(want, func(p *media.Packet) bool { return bytes.Equal(slicesOf(p), slicesOf(have[0])) })
		require.GreaterOrEqual(t, at, 0, "the first is none of the film's")
		for i, p := range have {
			w := want[at+i]
			require.Equal(t, slicesOf(w), slicesOf(p), "packet %d", i)
			require.InDelta(t, w.DTS-want[at].DTS, p.DTS-have[0].DTS, float64(time.Millisecond), "packet %d", i)
		}
	}
}

func readPackets(t testing.TB, r *media.Reader[*media.Packet], count int) (got []*media.Packet) {
	t.Helper()
	batch := make([]*media.Packet, 64)
	for len(got) < count {
		n, err := r.ReadBatch(t.Context(), batch)
		require.NoError(t, err)
		got = append(got, batch[:n]...)
	}
	return got
}

var camera = media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "camera"}
