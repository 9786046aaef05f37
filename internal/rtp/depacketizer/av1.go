package depacketizer

import (
	"errors"
)

// The types of OBUs (AV1, 6.2.2), and the flags in their heads that say that a size follows and that a second byte
// does (5.3.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuHasSize           = 0x02
	obuExtension         = 0x04
)

var errBadOBU = errors.New("an OBU is broken")

func obuType(obu []byte) byte { return obu[0] >> 3 & 15 }

// temporalUnit joins OBUs, each with its size, and without the delimiter. A sequence header stands in front of every
// key frame.
func temporalUnit(obus [][]byte) (b []byte, key bool, err error) {
	size := 0
	for _, obu := range obus {
		size += len(obu) + 5
	}
	b = make([]byte, 0, size)
	for _, obu := range obus {
		if len(obu) == 0 || obuType(obu) == obuTemporalDelimiter {
			continue
		}
		if b, err = appendOBU(b, obu); err != nil {
			return nil, false, err
		}
		key = key || obuType(obu) == obuSequenceHeader
	}
	return b, key, nil
}

// appendOBU appends an OBU that should have no size, though some senders leave it.
func appendOBU(b, obu []byte) ([]byte, error) {
	head := 1
	if obu[0]&obuExtension != 0 {
		head = 2
	}
	if len(obu) < head || obu[0]&0x80 != 0 {
		return nil, errBadOBU
	}
	payload := obu[head:]
	if obu[0]&obuHasSize != 0 {
		size, n := leb128(payload)
		if payload = payload[n:]; n == 0 || size != len(payload) {
			return nil, errBadOBU
		}
	}
	b = append(append(b, obu[0]|obuHasSize), obu[1:head]...)
	n := len(payload)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), payload...), nil
}

// leb128 reads a number (AV1, 4.10.5) of at most 4 bytes, and says how many it has: 0 if it cannot be read.
func leb128(b []byte) (v, n int) {
	for i, c := range b[:min(len(b), 4)] {
		v |= int(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
