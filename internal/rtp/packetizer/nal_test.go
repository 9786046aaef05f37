package packetizer

import (
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

type decoder interface {
	Decode(*rtp.Packet) ([][]byte, error)
}

// decode returns what a decoder makes of packets that hold one access unit.
func decode(t *testing.T, d decoder, packets []*rtp.Packet, more error) [][]byte {
	t.Helper()
	for i, p := range packets {
		units, err := d.Decode(p)
		if i == len(packets)-1 {
			require.NoError(t, err)
			return units
		}
		require.ErrorIs(t, err, more)
	}
	return nil
}

func avcTrack(sps, pps []byte) *media.Track {
	return &media.Track{Codec: media.H264, Config: h26x.Sets{SPS: [][]byte{sps}, PPS: [][]byte{pps}}.Config(media.H264)}
}

func hevcTrack(vps, sps, pps []byte) *media.Track {
	s := h26x.Sets{VPS: [][]byte{vps}, SPS: [][]byte{sps}, PPS: [][]byte{pps}}
	return &media.Track{Codec: media.H265, Config: s.Config(media.H265)}
}

// requireEvenFragments checks that packets of fragments are full but for the last.
func requireEvenFragments(t *testing.T, packets []*rtp.Packet, at int, typ func([]byte) bool, limit int) {
	t.Helper()
	for _, p := range packets {
		if typ(p.Payload) && p.Payload[at]&fuEnd == 0 {
			require.Len(t, p.Payload, limit)
		}
	}
}

func TestH264(t *testing.T) {
	for _, limit := range []int{256, 300, 1400, 65523} {
		s := newSession(t, &media.Track{Codec: media.H264}, testConfig(limit))
		d := &rtph264.Decoder{PacketizationMode: 1}
		require.NoError(t, d.Init())
		for i := range 40 {
			var units [][]byte
			for range 1 + rand.IntN(6) {
				units = append(units, noise(near(limit), byte(rand.IntN(4)<<5|1+rand.IntN(6))))
			}
			packets := s.sendAll(&media.Packet{Track: s.track, PTS: at(i), Data: join(units...)})
			require.Equal(t, units, decode(t, d, packets, rtph264.ErrMorePacketsNeeded))
			requireEvenFragments(t, packets, 1, func(b []byte) bool { return b[0]&0x1f == avcFUA }, limit)
		}
	}
}

func TestH265(t *testing.T) {
	for _, limit := range []int{256, 300, 1400, 65523} {
		s := newSession(t, &media.Track{Codec: media.H265}, testConfig(limit))
		d := &rtph265.Decoder{}
		require.NoError(t, d.Init())
		for i := range 40 {
			var units [][]byte
			for range 1 + rand.IntN(6) {
				units = append(units, noise(near(limit), byte(rand.IntN(22)<<1), 1+byte(rand.IntN(7))))
			}
			packets := s.sendAll(&media.Packet{Track: s.track, PTS: at(i), Data: join(units...)})
			require.Equal(t, units, decode(t, d, packets, rtph265.ErrMorePacketsNeeded))
			requireEvenFragments(t, packets, 2, func(b []byte) bool { return b[0]>>1&0x3f == hevcFU }, limit)
		}
	}
}

func TestAVCHeaders(t *testing.T) {
	s := newSession(t, &media.Track{Codec: media.H264}, testConfig(256))
	sei, slice := []byte{0x06, 5}, []byte{0x41, 1, 2}
	packets := s.sendAll(&media.Packet{Track: s.track, Data: join([]byte{9, 0xf0}, sei, nil, slice, []byte{28, 1})})
	require.Len(t, packets, 1)
	require.Equal(t, []byte{0x58, 0, 2, 6, 5, 0, 3, 0x41, 1, 2}, packets[0].Payload)

	packets = s.sendAll(&media.Packet{Track: s.track, Data: join(noise(257, 0x65))})
	require.Len(t, packets, 2)
	require.Equal(t, []byte{0x7c, 0x85}, packets[0].Payload[:2])
	require.Equal(t, []byte{0x7c, 0x45}, packets[1].Payload[:2])
	require.Len(t, packets[1].Payload, 4)

	require.Empty(t, s.send(&media.Packet{Track: s.track, Data: join([]byte{9, 0xf0})}))
	require.Empty(t, s.send(&media.Packet{Track: s.track}))
}

func TestHEVCHeaders(t *testing.T) {
	s := newSession(t, &media.Track{Codec: media.H265}, testConfig(256))
	packets := s.sendAll(&media.Packet{Track: s.track, Data: join([]byte{0x46, 1, 0x50}, []byte{0x4f, 0x0b, 7}, []byte{0x02, 0x2a, 8})})
	require.Len(t, packets, 1)
	require.Equal(t, []byte{0x60, 0x2a, 0, 3, 0x4f, 0x0b, 7, 0, 3, 0x02, 0x2a, 8}, packets[0].Payload)

	packets = s.sendAll(&media.Packet{Track: s.track, Data: join(noise(257, 0x26, 1))})
	require.Len(t, packets, 2)
	require.Equal(t, []byte{0x62, 1, 0x93}, packets[0].Payload[:3])
	require.Equal(t, []byte{0x62, 1, 0x53}, packets[1].Payload[:3])
}

func TestAVCParameterSets(t *testing.T) {
	sps, pps, idr := noise(20, 0x67), noise(5, 0x68), noise(3000, 0x65)
	s := newSession(t, avcTrack(sps, pps), testConfig(1400))
	d := &rtph264.Decoder{PacketizationMode: 1}
	require.NoError(t, d.Init())
	send := func(track *media.Track, key bool, units ...[]byte) [][]byte {
		t.Helper()
		packets := s.sendAll(&media.Packet{Track: track, Key: key, Data: join(units...)})
		return decode(t, d, packets, rtph264.ErrMorePacketsNeeded)
	}
	first := s.track
	require.Equal(t, [][]byte{sps, pps, idr}, send(first, true, idr))
	require.Equal(t, [][]byte{idr}, send(first, false, idr))
	require.Equal(t, [][]byte{sps, pps, idr}, send(first, true, []byte{9, 0xf0}, idr))
	other := noise(9, 0x67)
	require.Equal(t, [][]byte{other, pps, idr}, send(first, true, other, pps, idr))
	require.Equal(t, [][]byte{pps, other, idr}, send(first, true, pps, other, idr))

	changed := avcTrack(noise(1300, 0x67), noise(1300, 0x68)) // too big for one packet
	require.Equal(t, [][]byte{changed.Config[8:1308], changed.Config[1311:], idr}, send(changed, true, idr))

	_, err := s.Append(nil, &media.Packet{Track: &media.Track{Codec: media.H264, Config: []byte{1, 2}}, Data: join(idr)})
	require.ErrorIs(t, err, ErrBadData)
	require.Len(t, send(changed, true, idr), 3)
}

func TestHEVCParameterSets(t *testing.T) {
	vps, sps, pps, idr := noise(20, 0x40, 1), noise(40, 0x42, 1), noise(5, 0x44, 1), noise(3000, 0x26, 1)
	track := hevcTrack(vps, sps, pps)
	s := newSession(t, track, testConfig(1400))
	d := &rtph265.Decoder{}
	require.NoError(t, d.Init())
	packets := s.sendAll(&media.Packet{Track: track, Key: true, Data: join([]byte{0x46, 1, 0x50}, idr)})
	require.Equal(t, byte(hevcAP), packets[0].Payload[0]>>1)
	require.Equal(t, [][]byte{vps, sps, pps, idr}, decode(t, d, packets, rtph265.ErrMorePacketsNeeded))
	packets = s.sendAll(&media.Packet{Track: track, Key: true, Data: join(vps, sps, pps, idr)})
	require.Equal(t, [][]byte{vps, sps, pps, idr}, decode(t, d, packets, rtph265.ErrMorePacketsNeeded))

	_, err := New(hevcTrack(vps, sps, []byte{0x44}), testConfig(0))
	require.ErrorIs(t, err, ErrBadData)
}
