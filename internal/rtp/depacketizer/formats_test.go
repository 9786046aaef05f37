package depacketizer

import (
	"testing"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// au makes a packet of one access unit.
func au(stamp uint32, marker bool, b []byte) *rtp.Packet {
	return pkt(stamp, marker, append([]byte{0, 16, byte(len(b) >> 5), byte(len(b) << 3)}, b...)...)
}

func TestAACWithoutMarkers(t *testing.T) {
	d := newTest(t, media.AAC, nil, nil)
	var packets []*rtp.Packet
	for i := range 5 {
		packets = append(packets, au(uint32(i)*1024, false, marked(i, []byte{0x21}, 60)))
	}
	units := pushAll(t, d, packets)
	require.Len(t, units, 4, "the last one may go on")
	require.Equal(t, marked(3, []byte{0x21}, 60), units[3].Data)
	require.EqualValues(t, 3*1024, units[3].Stamp)
}

// A packet is missing, but no time: what comes is the end of an access unit.
func TestAACTail(t *testing.T) {
	for step, want := range map[uint32]int{1024: 0, 2048: 1} {
		d := newTest(t, media.AAC, nil, nil)
		require.Len(t, pushAll(t, d, []*rtp.Packet{au(0, true, filled([]byte{0x21}, 60))}), 1)
		units, err := d.Push(au(step, true, filled(nil, 40)), true)
		require.NoError(t, err)
		require.Len(t, units, want)
	}
}

func TestAACFrames(t *testing.T) {
	asc := []byte{0x12, 0x10} // 44.1 kHz, stereo
	for _, c := range []struct {
		config []byte
		clock  int
		want   uint32
	}{
		{nil, 44100, 1024}, {asc, 44100, 1024}, {asc, 0, 1024}, {asc, 88200, 2048}, {[]byte{0x12, 0x14}, 44100, 960}, {[]byte{0xff}, 44100, 1024},
	} {
		require.Equal(t, c.want, frameTicks(&media.Track{Config: c.config, ClockRate: c.clock}))
	}
	frame := filled([]byte{0x21}, 60)
	n := len(frame) + 7
	adts := append([]byte{0xff, 0xf1, 0x50, 0x80, byte(n >> 3), byte(n<<5) | 0x1f, 0xfc}, frame...)
	units := pushAll(t, newTest(t, media.AAC, asc, nil), []*rtp.Packet{au(0, true, adts)})
	require.Equal(t, frame, units[0].Data)
}

func TestAACForms(t *testing.T) {
	track := &media.Track{Codec: media.AAC}
	for name, value := range map[string]string{"sizelength": "17", "indexlength": "40", "ctsdeltalength": "8", "auxiliarydatasizelength": "4"} {
		_, err := New(Source{Track: track, Params: map[string]string{name: value}})
		require.ErrorIs(t, err, ErrUnsupported, name)
	}
	d := newTest(t, media.AAC, nil, map[string]string{"mode": "AAC-lbr"})
	units := pushAll(t, d, []*rtp.Packet{pkt(7, true, 0, 16, 3<<2, 2<<2, 1, 2, 3, 4, 5)})
	require.Len(t, units, 2)
	require.Equal(t, []byte{1, 2, 3}, units[0].Data)
	require.Equal(t, []byte{4, 5}, units[1].Data)
	require.EqualValues(t, 7+1024, units[1].Stamp)
}

func TestLATM(t *testing.T) {
	d, err := New(Source{
		Track:       &media.Track{Codec: media.AAC, ClockRate: 44100, Config: []byte{0x12, 0x10}},
		PayloadType: 96, Encoding: "MP4A-LATM", Params: map[string]string{"cpresent": "0"},
	})
	require.NoError(t, err)
	units := pushAll(t, d, []*rtp.Packet{pkt(0, true, 2, 1, 2, 1, 3)}) // two subframes
	require.Len(t, units, 2)
	require.EqualValues(t, 1024, units[1].Stamp)
	_, err = d.Push(pkt(2048, true, 9, 1, 2), false)
	require.ErrorIs(t, err, ErrBadPacket)
	units = pushAll(t, d, []*rtp.Packet{pkt(3072, false, 2, 1, 2), pkt(4096, true, 1, 3)})
	require.Len(t, units, 2, "a marker is missing")
	require.True(t, units[0].Gap)
}

// After a broken packet the rest of its picture is left out, and the next picture is not.
func TestBrokenAV1(t *testing.T) {
	d := newTest(t, media.AV1, nil, nil)
	header, frame := []byte{0x08, 1, 2, 3}, []byte{0x30, 4, 5, 6}
	whole := append(append([]byte{0x28, 4}, header...), frame...)
	require.Len(t, pushAll(t, d, []*rtp.Packet{pkt(1, true, whole...)}), 1)
	_, err := d.Push(pkt(2, false, 0x20, 99, 1), false)
	require.ErrorIs(t, err, ErrBadPacket)
	units := pushAll(t, d, []*rtp.Packet{pkt(2, true, append([]byte{0x10}, frame...)...)})
	require.Empty(t, units, "its beginning was broken")
	units = pushAll(t, d, []*rtp.Packet{pkt(3, true, append([]byte{0x10}, frame...)...)})
	require.Len(t, units, 1)
	require.Equal(t, []byte{0x32, 3, 4, 5, 6}, units[0].Data)
	require.True(t, units[0].Gap)
	require.EqualValues(t, 1, d.Torn())
}

func TestOBUs(t *testing.T) {
	b, key, err := temporalUnit([][]byte{{0x12, 0}, {0x0a, 2, 7, 8}, {0x34, 0x20, 9}})
	require.NoError(t, err)
	require.True(t, key)
	require.Equal(t, []byte{0x0a, 2, 7, 8, 0x36, 0x20, 1, 9}, b)
	for _, obu := range [][]byte{{0x0a, 3, 7, 8}, {0x0a}, {0x34}, {0x80, 1}, {0x0a, 0x80, 0x80, 0x80, 0x80, 1}} {
		_, _, err = temporalUnit([][]byte{obu})
		require.Error(t, err, "%x", obu)
	}
}

// Packets that go on without an end do not fill the memory, though gortsplib's decoders keep them.
func TestEndlessUnits(t *testing.T) {
	for codec, payload := range map[media.Codec][]byte{
		media.AV1:  append([]byte{0x50}, filled([]byte{0x30}, 50000)...),
		media.VP8:  append([]byte{0x00}, filled(nil, 50000)...),
		media.VP9:  append([]byte{0x00}, filled(nil, 50000)...),
		media.JPEG: {0, 0, 0, 4, 1, 60, 8, 8},
	} {
		d := newTest(t, codec, nil, nil)
		first := append([]byte(nil), payload...)
		switch codec {
		case media.AV1:
			first[0] |= 0x08
		case media.VP8:
			first[0] = 0x10
		case media.VP9:
			first[0] = 0x08
		case media.JPEG:
			first = []byte{0, 0, 0, 0, 1, 60, 8, 8, 1, 2, 3, 4}
		}
		_, err := d.Push(pkt(1, false, first...), false)
		require.NoError(t, err)
		broken := false
		for range 2 * maxUnit / overhead {
			_, err = d.Push(pkt(1, false, payload...), false)
			require.LessOrEqual(t, memoryOf(d), maxUnit+len(payload)+overhead)
			if broken = broken || err != nil; broken {
				break
			}
		}
		require.True(t, broken, codec.String())
	}
}
