package depacketizer

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// pkt is a packet of a test.
func pkt(stamp uint32, marker bool, payload ...byte) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{PayloadType: 96, Timestamp: stamp, Marker: marker}, Payload: payload}
}

func stapA(units ...[]byte) []byte {
	b := []byte{0x18}
	for _, u := range units {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(u))), u...)
	}
	return b
}

func avcConfig() []byte {
	return h26x.Sets{SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS}}.Config(media.H264)
}

// What stands in front of a picture may come with a marker of its own; it is no picture.
func TestHeldParameterSets(t *testing.T) {
	sei, slice := []byte{6, 5, 1, 0, 0x80}, filled([]byte{0x65, 0x88}, 50)
	d := newTest(t, media.H264, nil, nil)
	units := pushAll(t, d, []*rtp.Packet{pkt(5, true, stapA(avcSPS, avcPPS, sei)...), pkt(5, true, slice...)})
	require.Len(t, units, 1)
	require.Equal(t, lengths(sei, slice), units[0].Data)
	require.True(t, units[0].Key)
	// With a time of its own its NAL units go, and the parameter sets hold.
	d = newTest(t, media.H264, nil, nil)
	units = pushAll(t, d, []*rtp.Packet{pkt(5, true, stapA(avcSPS, avcPPS, sei)...), pkt(6, true, slice...)})
	require.Len(t, units, 1)
	require.Equal(t, lengths(slice), units[0].Data)
	require.NotEmpty(t, units[0].Track.Config)
	require.Zero(t, d.Torn())
}

func TestNoPicture(t *testing.T) {
	for _, payload := range [][]byte{{9, 0x10}, {12, 0xff, 0x80}, {6, 5, 1, 0, 0x80}, {10}, {30, 1, 2}, stapA(avcSPS)} {
		d := newTest(t, media.H264, nil, nil)
		require.Empty(t, pushAll(t, d, []*rtp.Packet{pkt(1, true, payload...), pkt(2, true, payload...)}))
		require.Zero(t, d.Torn(), "%x", payload)
	}
}

func TestSenderQuirks(t *testing.T) {
	slice := filled([]byte{0x65, 0x88}, 50)
	fu := func(flags byte, b []byte) []byte { return append([]byte{b[0]&0xe0 | 28, flags | b[0]&0x1f}, b[1:]...) }
	code := []byte{0, 0, 0, 1}
	glued := bytes.Join([][]byte{avcSPS, avcPPS, slice}, code)
	for name, payload := range map[string][]byte{
		"start and end in one fragment":      fu(0xc0, slice),
		"empty units in an aggregate":        append(stapA(nil, slice, nil), 0, 0, 0),
		"an end of sequence":                 stapA(slice, []byte{10}),
		"start codes after parameter sets":   glued,
		"start codes in a fragment":          fu(0xc0, glued),
		"a start code in front, in an FU":    append([]byte{0x7c, 0xc0}, append([]byte{0, 0, 1}, slice...)...),
		"nested aggregates and odd types":    stapA([]byte{24, 1, 2}, []byte{28, 3, 4}, []byte{31}, slice),
		"start codes of three bytes and all": bytes.Join([][]byte{nil, {9, 0x10}, avcSPS, avcPPS, slice}, []byte{0, 0, 1}),
	} {
		t.Run(name, func(t *testing.T) {
			d := newTest(t, media.H264, avcConfig(), nil)
			units := pushAll(t, d, []*rtp.Packet{pkt(1, true, payload...)})
			require.Len(t, units, 1)
			require.Equal(t, lengths(slice), units[0].Data)
			require.True(t, units[0].Key)
			require.Same(t, d.source.Track, units[0].Track)
		})
	}
}

// Many units behind start codes come out in order and unharmed, wherever they lay.
func TestManyStartCodes(t *testing.T) {
	var want, glued []byte
	for i := range 100 {
		unit := filled([]byte{0x65, 0x88, byte(i) | 1}, 5+i%9)
		want = append(want, lengths(unit)...)
		glued = append(append(glued, 0, 0, 1), unit...)
	}
	units := pushAll(t, newTest(t, media.H264, nil, nil), []*rtp.Packet{pkt(1, true, append([]byte{0x7c, 0xc0}, glued...)...)})
	require.Len(t, units, 1)
	require.Equal(t, want, units[0].Data)
	// It takes no time that grows with the square.
	d := newTest(t, media.H264, nil, nil)
	begun := time.Now()
	_, err := d.Push(pkt(1, false, bytes.Repeat([]byte{0, 0, 1}, 20000)...), false)
	require.NoError(t, err)
	_, err = d.Push(pkt(1, false, bytes.Repeat([]byte{0, 0, 1, 0x41, 0x9a}, 13000)...), false)
	require.ErrorIs(t, err, ErrBadPacket)
	require.Less(t, time.Since(begun), 2*time.Second)
}

// A parameter set of which a fragment is missing is none.
func TestCutParameterSet(t *testing.T) {
	d := newTest(t, media.H264, avcConfig(), nil)
	slice := filled([]byte{0x65, 0x88}, 50)
	_, err := d.Push(pkt(1, false, append([]byte{0x7c, 0x87}, avcSPS[1:10]...)...), false)
	require.NoError(t, err)
	_, err = d.Push(pkt(1, false, append([]byte{0x7c, 0x47}, avcSPS[15:]...)...), true)
	require.NoError(t, err)
	units := pushAll(t, d, []*rtp.Packet{pkt(1, true, slice...), pkt(2, true, slice...)})
	require.Len(t, units, 1, "the first picture may lack something")
	require.Same(t, d.source.Track, units[0].Track)
	require.True(t, units[0].Gap)
	require.EqualValues(t, 1, d.Torn())
}

// After a loss a picture is whole whose first slice is there, whatever stands in front of it.
func TestLossInFront(t *testing.T) {
	first, second := filled([]byte{0x41, 0x9a}, 50), filled([]byte{0x41, 0x42}, 50)
	for _, c := range []struct {
		packets []*rtp.Packet
		units   int
	}{
		{[]*rtp.Packet{pkt(2, false, first...), pkt(2, true, second...)}, 1},
		{[]*rtp.Packet{pkt(2, false, 6, 5, 1, 0, 0x80), pkt(2, true, first...)}, 1},
		{[]*rtp.Packet{pkt(2, true, second...)}, 0},
		{[]*rtp.Packet{pkt(2, false, 6, 5, 1, 0, 0x80), pkt(2, true, second...)}, 0},
		{[]*rtp.Packet{pkt(2, true, 0x44, 0x80, 1, 2)}, 0}, // data partition C
	} {
		d := newTest(t, media.H264, avcConfig(), nil)
		require.Len(t, pushAll(t, d, []*rtp.Packet{pkt(1, true, first...)}), 1)
		var units []Unit
		for i, p := range c.packets {
			got, err := d.Push(p, i == 0)
			require.NoError(t, err)
			units = append(units, got...)
		}
		require.Len(t, units, c.units)
		require.EqualValues(t, 1-c.units, d.Torn())
	}
	d := newTest(t, media.H264, avcConfig(), nil) // without a loss any slice may be the first (H.264, 7.4.1.2.5)
	require.Len(t, pushAll(t, d, []*rtp.Packet{pkt(1, true, second...)}), 1)
}

func TestTooManyUnits(t *testing.T) {
	d := newTest(t, media.H264, avcConfig(), nil)
	slice := filled([]byte{0x41, 0x9a}, 20)
	broken := 0
	for range maxNALs + 50 {
		if _, err := d.Push(pkt(1, false, slice...), false); err != nil {
			require.ErrorIs(t, err, ErrBadPacket)
			broken++
		}
	}
	require.Positive(t, broken)
	units := pushAll(t, d, []*rtp.Packet{pkt(2, true, slice...)})
	require.Len(t, units, 1)
	require.EqualValues(t, 2, units[0].Stamp)
	require.True(t, units[0].Gap)
}

// Encoders that count identifiers up do not fill the list.
func TestRollingIdentifiers(t *testing.T) {
	d := newTest(t, media.H264, avcConfig(), nil)
	slice := filled([]byte{0x65, 0x88}, 50)
	for id := range 40 {
		pps := append([]byte{0x68}, 0, 0x40|byte(id)) // ue(v) of 7 zeros and more
		pps = append(pps, byte(id), 0x80)
		units := pushAll(t, d, []*rtp.Packet{pkt(uint32(id), true, stapA(avcSPS, pps, slice)...)})
		require.Len(t, units, 1)
		sets, _, err := h26x.Parse(media.H264, units[0].Track.Config)
		require.NoError(t, err)
		require.Equal(t, [][]byte{pps}, sets.PPS)
	}
	// A picture that is no key brings the one that has changed.
	other := append(bytes.Clone(avcPPS), 1)
	units := pushAll(t, d, []*rtp.Packet{pkt(99, true, stapA(other, filled([]byte{0x41, 0x9a}, 20))...)})
	sets, _, err := h26x.Parse(media.H264, units[0].Track.Config)
	require.NoError(t, err)
	require.Len(t, sets.PPS, 2)
}

func TestParameterSetTooLong(t *testing.T) {
	d := newTest(t, media.H264, avcConfig(), nil)
	_, err := d.Push(pkt(1, true, filled([]byte{0x67}, 8<<10+1)...), false)
	require.ErrorIs(t, err, ErrBadPacket)
	require.Less(t, memoryOf(d), 8<<10)
}

func TestDecodingOrderNumbers(t *testing.T) {
	s := Source{Track: &media.Track{Codec: media.H265}, Params: map[string]string{"sprop-max-don-diff": "2"}}
	_, err := New(s)
	require.ErrorIs(t, err, ErrUnsupported)
	s.Params["sprop-max-don-diff"] = "0"
	_, err = New(s)
	require.NoError(t, err)
}

// A group of pictures that is open begins with what the recovery point says, as in MPEG-TS; one that is to be decoded some pictures later
// is none.
func TestRecoveryPoint(t *testing.T) {
	slice := filled([]byte{0x41, 0x9a}, 50)
	for count, sei := range map[int][]byte{0: {6, 6, 1, 0xc4, 0x80}, 6: {6, 6, 2, 0x3f, 0xe0, 0x80}} {
		d := newTest(t, media.H264, avcConfig(), nil)
		units := pushAll(t, d, []*rtp.Packet{pkt(1, false, sei...), pkt(1, true, slice...), pkt(2, true, slice...)})
		require.Len(t, units, 2)
		require.Equal(t, count == 0, units[0].Key)
		require.False(t, units[1].Key)
	}
}
