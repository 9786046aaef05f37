package flv

import "github.com/sluice-media/sluice/media"

// startsHere reports whether decoding can start at a frame of AV1, VP8 or VP9, for publishers whose tags do
// not say so.
func startsHere(codec media.Codec, b []byte) bool {
	switch codec {
	case media.VP8: // RFC 6386, 9.1
		return b[0]&1 == 0
	case media.VP9:
		return startsVP9(b[0])
	case media.AV1:
		return startsAV1(b)
	}
	return false
}

// startsVP9 reads the uncompressed header's first bits: marker, profile, whether an earlier frame is shown,
// and whether this one depends on others.
func startsVP9(head byte) bool {
	if head>>6 != 2 {
		return false
	}
	if head>>4&3 == 3 { // profile 3 has one more bit
		return head&0b110 == 0
	}
	return head&0b1100 == 0
}

// The types of OBUs, AV1 specification, 6.2.2.
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
)

// startsAV1 looks for a sequence header, which stands in front of every key frame.
func startsAV1(b []byte) bool {
	for len(b) > 0 {
		typ, n := nextOBU(b)
		if typ == obuSequenceHeader {
			return true
		}
		if n == 0 {
			return false
		}
		b = b[n:]
	}
	return false
}

// withoutDelimiter leaves out the temporal delimiter, which packets do not have.
func withoutDelimiter(b []byte) []byte {
	if typ, n := nextOBU(b); typ == obuTemporalDelimiter {
		return b[n:]
	}
	return b
}

// nextOBU returns the type and the length of the first OBU of a temporal unit, 5.3. A length of 0 means that
// it cannot be read.
func nextOBU(b []byte) (typ byte, n int) {
	if len(b) == 0 || b[0]&0x80 != 0 {
		return 0, 0
	}
	typ, n = b[0]>>3&15, 1
	if b[0]&4 != 0 { // an extension
		n++
	}
	if b[0]&2 == 0 { // no size: it is the last
		return typ, len(b)
	}
	size := 0
	for shift := 0; ; shift += 7 {
		if n >= len(b) || shift > 28 {
			return 0, 0
		}
		size |= int(b[n]&0x7f) << shift
		n++
		if b[n-1] < 0x80 {
			break
		}
	}
	if size > len(b)-n {
		return 0, 0
	}
	return typ, n + size
}
