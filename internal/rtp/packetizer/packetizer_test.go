package packetizer

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func TestNew(t *testing.T) {
	for _, codec := range []media.Codec{media.H266, media.TS, media.PS, media.ADPCM, 99} {
		_, err := New(&media.Track{Codec: codec}, testConfig(0))
		require.ErrorIs(t, err, ErrUnsupported)
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.ClockRate = 0 },
		func(c *Config) { c.ClockRate = math.MaxInt32; c.ClockRate++ }, // also where int has 32 bits
		func(c *Config) { c.PayloadType = 128 },
		func(c *Config) { c.MaxPayload = -1 },
		func(c *Config) { c.MaxPayload = 65524 },
		func(c *Config) { c.CNAME = string(make([]byte, 256)) },
	} {
		c := testConfig(0)
		change(&c)
		_, err := New(&media.Track{Codec: media.Opus}, c)
		require.Error(t, err)
	}
	_, err := New(&media.Track{Codec: media.H264, Config: []byte{1}}, testConfig(0))
	require.ErrorIs(t, err, ErrBadData)
}

func TestTimestamp(t *testing.T) {
	for _, c := range []struct {
		at   time.Duration
		rate int
		want uint32
	}{
		{0, 90000, 0},
		{time.Second, 90000, 90000},
		{time.Second / 44100, 44100, 1},
		{1023 * time.Second / 44100, 44100, 1023},
		{5555 * time.Nanosecond, 90000, 0},
		{5556 * time.Nanosecond, 90000, 1},
		{-time.Second, 90000, ^uint32(90000 - 1)},
		{-time.Second / 90000, 90000, math.MaxUint32},
		{47722 * time.Second, 90000, uint32(47722 * 90000 % (1 << 32))},
		{200 * 365 * 24 * time.Hour, 90000, uint32(200 * 365 * 86400 * 90000 % (1 << 32))},
	} {
		config := testConfig(0)
		config.ClockRate = c.rate
		s := newSession(t, &media.Track{Codec: media.Opus}, config)
		require.Equal(t, config.Offset+c.want, s.timestamp(c.at), "%v at %d", c.at, c.rate)
	}
}

// On an error nothing is appended, and the next packet is as if nothing had happened.
func TestBrokenUnits(t *testing.T) {
	track := &media.Track{Codec: media.H264}
	s := newSession(t, track, testConfig(256))
	good := join(noise(1000, 0x41))
	for _, tail := range [][]byte{{0}, {0, 0, 0}, {0, 0, 0, 1}, {0xff, 0xff, 0xff, 0xff, 1}} {
		dst, err := s.Append([]byte{7}, &media.Packet{Track: track, Data: append(good[:len(good):len(good)], tail...)})
		require.ErrorIs(t, err, ErrBadData)
		require.Equal(t, []byte{7}, dst)
	}
	require.Len(t, s.sendAll(&media.Packet{Track: track, Data: good}), 4)

	_, err := s.Append(nil, &media.Packet{Track: &media.Track{Codec: media.Opus}, Data: good})
	require.ErrorIs(t, err, ErrUnsupported)

	hevc := newSession(t, &media.Track{Codec: media.H265}, testConfig(256))
	_, err = hevc.Append(nil, &media.Packet{Track: hevc.track, Data: join([]byte{2})})
	require.ErrorIs(t, err, ErrBadData)
}

func TestRaw(t *testing.T) {
	track := &media.Track{Codec: media.RawRTP}
	s := newSession(t, track, testConfig(256))
	in := rtp.Packet{
		Header: rtp.Header{
			Version: 2, Marker: true, PayloadType: 111, SequenceNumber: 5, Timestamp: 6, SSRC: 7, CSRC: []uint32{8, 9},
		},
		Payload: noise(2000),
	}
	require.NoError(t, in.SetExtension(1, []byte{1, 2, 3}))
	raw, err := in.Marshal()
	require.NoError(t, err)
	kept := append([]byte(nil), raw...)
	for i := range 4 {
		b, err := s.Append(nil, &media.Packet{Track: track, PTS: at(i), Data: raw})
		require.NoError(t, err)
		packets := split(t, b, 4)
		require.Len(t, packets, 1)
		want := in
		want.SequenceNumber, want.Timestamp, want.SSRC = s.c.Seq+uint16(i), s.timestamp(at(i)), s.c.SSRC
		require.Equal(t, want, *packets[0])
	}
	require.Equal(t, kept, raw)
	require.Equal(t, uint32(4*2000), s.sent.octets)

	for _, data := range [][]byte{nil, raw[:11], make([]byte, 12), append(raw[:12:12], make([]byte, 65524)...)} {
		_, err = s.Append(nil, &media.Packet{Track: track, Data: data})
		require.ErrorIs(t, err, ErrBadData)
	}
	b, err := s.Append(nil, &media.Packet{Track: track, Data: append(raw[:12:12], make([]byte, 65523)...)})
	require.NoError(t, err)
	require.Len(t, b, 4+65535)
}

func TestReport(t *testing.T) {
	for _, name := range []string{"", "a", "ab", "abc", "abcd", string(noise(255))} {
		c := testConfig(1400)
		c.CNAME = name
		s := newSession(t, &media.Track{Codec: media.Opus}, c)
		s.send(&media.Packet{Track: s.track, Data: noise(100)})
		s.send(&media.Packet{Track: s.track, Data: noise(50)})
		b := s.AppendReport(nil, time.Second, time.Unix(1700000000, 500000000))
		require.Equal(t, []byte{'$', 5, byte((len(b) - 4) >> 8), byte(len(b) - 4)}, b[:4])
		packets, err := rtcp.Unmarshal(b[4:])
		require.NoError(t, err)
		require.Len(t, packets, 2)
		require.Equal(t, &rtcp.SenderReport{
			SSRC: c.SSRC, NTPTime: 3908988800<<32 | 1<<31, RTPTime: c.Offset + 90000, PacketCount: 2, OctetCount: 150,
			Reports: packets[0].(*rtcp.SenderReport).Reports, ProfileExtensions: packets[0].(*rtcp.SenderReport).ProfileExtensions,
		}, packets[0])
		require.Empty(t, packets[0].(*rtcp.SenderReport).Reports)
		require.NoError(t, rtcp.CompoundPacket(packets).Validate())
		got, err := rtcp.CompoundPacket(packets).CNAME()
		require.NoError(t, err)
		require.Equal(t, s.c.CNAME, got)
	}
	s := newSession(t, &media.Track{Codec: media.Opus}, testConfig(0))
	require.Equal(t, make([]byte, 8), s.AppendReport(nil, 0, time.Time{})[12:20])
}

// A report that is moved says the same of the two clocks.
func TestMoveReport(t *testing.T) {
	z, err := New(&media.Track{Codec: media.Opus}, Config{ClockRate: 48000, Offset: 0xfffffff0})
	require.NoError(t, err)
	at, wall := 49*24*time.Hour, time.Date(2030, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	for _, by := range []time.Duration{0, -time.Hour, 20 * time.Millisecond, time.Second, 36 * time.Hour, 100 * 24 * time.Hour} {
		moved := z.AppendReport(nil, at, wall)[frameHeader:]
		MoveReport(moved, 48000, wall.Add(by))
		by = max(by, 0) // never back
		require.Equal(t, z.AppendReport(nil, at+by, wall.Add(by))[frameHeader:], moved, "by %v", by)
	}
	for _, other := range [][]byte{nil, {0x80}, make([]byte, 28), z.AppendReport(nil, at, time.Time{})[frameHeader:]} {
		same := append([]byte(nil), other...)
		MoveReport(same, 48000, wall)
		require.Equal(t, other, same)
	}
}
