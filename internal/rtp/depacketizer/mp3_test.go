package depacketizer

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// A frame of MPEG-2 has half the samples of one of MPEG-1, and half the bytes.
func TestMP3OfMPEG2(t *testing.T) {
	const size = 72 * 64000 / 22050
	frame := func(n byte) []byte {
		return append([]byte{0xff, 0xf3, 0x80, 0xc4}, bytes.Repeat([]byte{n}, size-4)...)
	}
	payload := func(offset int, parts ...[]byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(offset)), bytes.Join(parts, nil)...)
	}
	d := newTest(t, media.MP3, nil, nil)
	units := pushAll(t, d, []*rtp.Packet{
		pkt(0, true, payload(0, frame(1), frame(2))...),
		pkt(9000, false, payload(0, frame(3)[:100])...),
		pkt(9000, false, payload(100, frame(3)[100:])...),
	})
	require.Len(t, units, 3)
	for i, u := range units {
		require.Equal(t, frame(byte(i+1)), u.Data)
	}
	require.Equal(t, []uint32{0, 576 * 90000 / 22050, 9000}, []uint32{units[0].Stamp, units[1].Stamp, units[2].Stamp})
	_, err := d.Push(pkt(1, true, payload(0, []byte{0xff, 0xf3, 0xf0, 0xc4, 1})...), false)
	require.ErrorIs(t, err, ErrBadPacket)
}
