package h26x

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// bitString makes bytes of bits.
func bitString(text string) (b []byte) {
	n := 0
	for _, c := range text {
		if c == ' ' {
			continue
		}
		if n%8 == 0 {
			b = append(b, 0)
		}
		b[n/8] |= byte(c-'0') << (7 - n%8)
		n++
	}
	return b
}

// sliceOf is the head of a slice: its first macroblock 0, its type, its parameter set, and what follows.
func sliceOf(typ byte, bits string) []byte {
	return append([]byte{typ}, bitString("1 1 1 "+bits+" 1000000000")...)
}

// Two fields of a frame are one picture, and no others.
func TestBoundariesOfFields(t *testing.T) {
	// Baseline, but for fields: frame numbers of 4 bits, order type 2, 1 reference, 2 by 1 macroblocks.
	sps := append([]byte{0x67, 66, 0, 30}, bitString("1 1 011 010 0 010 1 0 0 1 0 0 1")...)
	const frame, top, bottom = "0", "1 0", "1 1"
	s := NewBoundaries(media.H264)
	require.False(t, s.Begins(sps))
	require.True(t, s.interlaced)
	for i, c := range []struct {
		typ    byte
		bits   string
		begins bool
	}{
		{0x65, "0000" + top, true},
		{0x41, "0000" + bottom, false},
		{0x41, "0001" + top, true},
		{0x41, "0001" + bottom, false},
		{0x41, "0010" + bottom, true}, // bottom first
		{0x41, "0010" + top, false},
		{0x41, "0010" + top, true},    // of the next frame, which is no reference
		{0x41, "0011" + bottom, true}, // its first field is alone
		{0x41, "0011" + frame, true},
		{0x41, "0011" + bottom, true},
	} {
		require.Equal(t, c.begins, s.Begins(sliceOf(c.typ, c.bits)), i)
	}
	require.False(t, s.Begins([]byte{0x41, 0x40, 0}), "another slice")

	s = NewBoundaries(media.H264)
	require.True(t, s.Begins(sliceOf(0x65, "0000"+top)))
	require.True(t, s.Begins(sliceOf(0x65, "0000"+bottom)), "without an SPS it is not known")
}

func TestBoundariesOfH265(t *testing.T) {
	s := NewBoundaries(media.H265)
	require.True(t, s.Begins([]byte{19 << 1, 1, 0x80}))
	require.False(t, s.Begins([]byte{19 << 1, 1, 0x40}), "another slice")
	require.False(t, s.Begins([]byte{1 << 1, 1<<3 | 1, 0x80}), "another layer")
	require.False(t, s.Begins([]byte{1<<1 | 1, 1, 0x80}), "another layer")
	require.False(t, s.Begins([]byte{HEVCSPS << 1, 1, 0x80}))
	require.False(t, s.Begins([]byte{1 << 1}))
}

// Whatever units there are, looking at them does no harm.
func FuzzBoundaries(f *testing.F) {
	f.Add([]byte{0x67, 66, 0, 30, 0xb4, 0x91, 0x24}, []byte{0x65, 0xe1, 0x80}, true)
	f.Fuzz(func(_ *testing.T, sps, unit []byte, hevc bool) {
		codec := media.H264
		if hevc {
			codec = media.H265
		}
		s := NewBoundaries(codec)
		for _, u := range [][]byte{sps, unit, unit} {
			if len(u) > 0 {
				s.Begins(u)
			}
		}
	})
}
