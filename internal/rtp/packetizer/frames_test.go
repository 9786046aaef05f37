package packetizer

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// testConfig wraps both sequence numbers and timestamps early.
func testConfig(maxSize int) Config {
	return Config{
		Channel: 4, PayloadType: 96, ClockRate: 90000, SSRC: 0x01020304, Seq: 0xfffe,
		Offset: 0xffffff00, MaxPayload: maxSize,
	}
}

// session is a Packetizer and what its receiver expects.
type session struct {
	*Packetizer
	t   *testing.T
	seq uint16
}

func newSession(t *testing.T, track *media.Track, c Config) *session {
	t.Helper()
	z, err := New(track, c)
	require.NoError(t, err)
	return &session{z, t, c.Seq}
}

// send appends a packet and returns what a receiver makes of the frames, having checked their headers.
func (s *session) send(p *media.Packet) []*rtp.Packet {
	s.t.Helper()
	b, err := s.Append([]byte("before"), p)
	require.NoError(s.t, err)
	require.Equal(s.t, "before", string(b[:6]))
	packets := split(s.t, b[6:], s.c.Channel)
	for _, p := range packets {
		require.Equal(s.t, s.seq, p.SequenceNumber)
		s.seq++
		require.Equal(s.t, s.c.SSRC, p.SSRC)
		require.Equal(s.t, s.c.PayloadType, p.PayloadType)
		require.LessOrEqual(s.t, len(p.Payload), s.c.MaxPayload)
		require.NotEmpty(s.t, p.Payload)
	}
	return packets
}

// sendAll is send for codecs where all packets have the timestamp of the first and the last has the marker.
func (s *session) sendAll(p *media.Packet) []*rtp.Packet {
	s.t.Helper()
	packets := s.send(p)
	for i, r := range packets {
		require.Equal(s.t, s.timestamp(p.PTS), r.Timestamp)
		require.Equal(s.t, i == len(packets)-1, r.Marker)
	}
	return packets
}

// split takes interleaved frames apart.
func split(t *testing.T, b []byte, channel byte) (packets []*rtp.Packet) {
	t.Helper()
	for len(b) > 0 {
		require.Greater(t, len(b), 4)
		require.Equal(t, byte('$'), b[0])
		require.Equal(t, channel, b[1])
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		require.LessOrEqual(t, n, len(b))
		p := new(rtp.Packet)
		require.NoError(t, p.Unmarshal(b[4:n]))
		packets = append(packets, p)
		b = b[n:]
	}
	return packets
}

// noise returns bytes without zeros, which cannot look like start codes.
func noise(n int, head ...byte) []byte {
	b := make([]byte, n)
	for i := copy(b, head); i < n; i++ {
		b[i] = byte(1 + rand.IntN(255))
	}
	return b
}

// near returns a size around a multiple of limit, or any.
func near(limit int) int {
	if rand.IntN(3) == 0 {
		return 2 + rand.IntN(4*limit)
	}
	return max(2, rand.IntN(4)*limit+rand.IntN(21)-10)
}

// join lays NAL units out as packets have them.
func join(units ...[]byte) (b []byte) {
	for _, u := range units {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(u))), u...)
	}
	return b
}

func at(i int) time.Duration { return time.Duration(i) * time.Second / 30 }
