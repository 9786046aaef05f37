package depacketizer

import (
	"github.com/sluice-media/sluice/media"
)

// begins reports whether a payload surely is the first of a unit.
func begins(codec media.Codec, b []byte) bool {
	switch codec {
	case media.VP8: // RFC 7741, 4.2: start of a partition, which is the first
		return b[0]&0x10 != 0 && b[0]&0x07 == 0
	case media.VP9:
		return beginsVP9(b)
	case media.AV1:
		return beginsAV1(b)
	default: // JPEG, RFC 2435, 3.1.2: fragment offset
		return len(b) >= 8 && b[1] == 0 && b[2] == 0 && b[3] == 0
	}
}

// beginsVP9 reads the payload descriptor (RFC 9628, 4.2): the start of a frame, of the lowest spatial layer.
func beginsVP9(b []byte) bool {
	const pictureID, layers, start = 0x80, 0x20, 0x08
	if b[0]&start == 0 {
		return false
	}
	if b[0]&layers == 0 {
		return true
	}
	at := 1
	if b[0]&pictureID != 0 {
		if at++; len(b) > 1 && b[1]&0x80 != 0 {
			at++
		}
	}
	return len(b) > at && b[at]>>1&7 == 0
}

// beginsAV1 reads the aggregation header (RTP Payload Format For AV1, 4.4): the first OBU is not a continuation,
// and it is of those that begin a temporal unit, or the packet is the first of a coded video sequence.
func beginsAV1(b []byte) bool {
	const continues, first = 0x80, 0x08
	switch {
	case b[0]&continues != 0:
		return false
	case b[0]&first != 0:
		return true
	}
	at := 1
	if b[0]>>4&3 != 1 { // the OBU is behind its size
		_, n := leb128(b[1:])
		if n == 0 {
			return false
		}
		at += n
	}
	if len(b) <= at {
		return false
	}
	typ := obuType(b[at:])
	return typ == obuSequenceHeader || typ == obuTemporalDelimiter
}

// isKey reports whether decoding can start at a picture.
func isKey(codec media.Codec, b []byte) bool {
	switch codec {
	case media.VP8: // RFC 6386, 9.1
		return b[0]&1 == 0
	case media.VP9: // the uncompressed header: marker, profile, show_existing_frame, frame_type
		if b[0]>>4&3 == 3 {
			return b[0]>>6 == 2 && b[0]&0b110 == 0
		}
		return b[0]>>6 == 2 && b[0]&0b1100 == 0
	}
	return true // JPEG
}
