package reel

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp8"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// readIVF reads a file of which each frame stands behind its size and stamp.
func readIVF(t testing.TB, c *Clip) {
	t.Helper()
	const fileHead, frameHead = 32, 12
	c.Track.ClockRate, c.Track.Width, c.Track.Height, c.Track.FPS = 90000, width, height, fps
	keys := 0
	for b := c.Data[fileHead:]; len(b) > 0; {
		size, stamp := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[4:])
		frame := b[frameHead:][:size]
		b = b[frameHead+size:]
		key := false
		switch c.Track.Codec {
		case media.AV1:
			frame, key = temporalUnit(t, c.Track, frame)
		case media.VP8:
			key = vp8.IsRandomAccess(frame)
		case media.VP9:
			key = vp9.IsRandomAccess(frame)
		}
		if key {
			keys++
		}
		c.add(time.Duration(stamp)*time.Second/fps, key, frame)
	}
	require.Equal(t, (fps+gop-1)/gop, keys)
}

// temporalUnit returns a temporal unit without its delimiter, as packets have it, and whether decoding can start there. It
// describes the track by the first.
func temporalUnit(t testing.TB, track *media.Track, b []byte) (unit []byte, key bool) {
	t.Helper()
	var obus, rest av1.Bitstream
	require.NoError(t, obus.Unmarshal(b))
	for _, obu := range obus {
		switch av1.OBUType(obu[0] >> 3 & 0xf) {
		case av1.OBUTypeTemporalDelimiter:
			continue
		case av1.OBUTypeSequenceHeader:
			if track.Config == nil {
				track.Config = av1Config(t, obu)
			}
		}
		rest = append(rest, obu)
	}
	unit, err := rest.Marshal()
	require.NoError(t, err)
	return unit, av1.IsRandomAccess2(rest)
}

// av1Config is the av1C (AV1 in ISO BMFF, 2.3) of a sequence header, for pictures of 8 bits in 4:2:0; nil for others.
func av1Config(t testing.TB, header []byte) []byte {
	t.Helper()
	var h av1.SequenceHeader
	require.NoError(t, h.Unmarshal(header))
	if c := h.ColorConfig; c.HighBitDepth || !c.SubsamplingX || !c.SubsamplingY {
		return nil
	}
	obus, err := av1.Bitstream{header}.Marshal()
	require.NoError(t, err)
	return append([]byte{0x81, h.SeqProfile<<5 | h.SeqLevelIdx[0], 3 << 2, 0}, obus...)
}
