package packetizer

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// AV1, 5.3.1 and 6.2.2.
const (
	obuTemporalDelimiter = 2
	obuTileList          = 8

	obuExtension = 0x04
	obuHasSize   = 0x02
)

// The flags of the aggregation header (RTP Payload Format For AV1, 4.4).
const (
	av1Continues  = 0x80 // Z: the first element goes on from the packet before
	av1Unfinished = 0x40 // Y: the last element goes on in the next packet
	av1Sequence   = 0x08 // N: a coded video sequence begins
)

// appendTemporalUnit appends a temporal unit of AV1 (RTP Payload Format For AV1, 4). Every element has its
// length in front, W being 0. The encoder of gortsplib v4.16.2 is of no use here: where no byte of an OBU fits
// behind another it still sets Y, and receivers join the two.
func (z *Packetizer) appendTemporalUnit(dst []byte, p *media.Packet, ts uint32) ([]byte, error) {
	defer func() { clear(z.units) }()
	if err := z.gatherOBUs(p.Data); err != nil {
		return nil, err
	}
	head := byte(0)
	if p.Key {
		head = av1Sequence
	}
	for rest := z.units; len(rest) > 0; {
		start := len(dst)
		dst = append(z.open(dst, ts), head)
		at := len(dst) - 1
		dst, rest, head = appendElements(dst, rest, z.c.MaxPayload-1)
		if head == av1Continues {
			dst[at] |= av1Unfinished
		}
		dst = z.seal(dst, start, len(rest) == 0)
	}
	return dst, nil
}

// appendElements appends OBUs while there is room and returns those that are left, the first perhaps cut; then
// head says so.
func appendElements(dst []byte, obus [][]byte, room int) (b []byte, rest [][]byte, head byte) {
	for len(obus) > 0 {
		obu := obus[0]
		if n := len(obu) + lebSize(len(obu)); n <= room {
			dst = append(appendLEB(dst, len(obu)), obu...)
			obus, room = obus[1:], room-n
			continue
		}
		if n := room - lebSize(room); n > 0 {
			dst = append(appendLEB(dst, n), obu[:n]...)
			obus[0] = obu[n:]
			return dst, obus, av1Continues
		}
		break
	}
	return dst, obus, 0
}

// gatherOBUs makes z.units the OBUs of a temporal unit without their size fields, as RTP wants them, and without
// those that it leaves out (5).
func (z *Packetizer) gatherOBUs(data []byte) error {
	z.units, z.scratch = z.units[:0], z.scratch[:0]
	if cap(z.scratch) < len(data) {
		z.scratch = make([]byte, 0, len(data)) // units point into it: it must not move
	}
	for len(data) > 0 {
		head, body, rest, err := takeOBU(data)
		if err != nil {
			return err
		}
		data = rest
		if typ := head[0] >> 3 & 0x0f; typ == obuTemporalDelimiter || typ == obuTileList {
			continue
		}
		at := len(z.scratch)
		z.scratch = append(append(z.scratch, head...), body...)
		z.scratch[at] &^= obuHasSize
		z.units = append(z.units, z.scratch[at:])
	}
	return nil
}

// takeOBU returns header and payload of the OBU that data begins with and what is behind it (AV1, 5.3.1).
func takeOBU(data []byte) (head, body, rest []byte, err error) {
	n := 1
	if data[0]&obuExtension != 0 {
		n = 2
	}
	if data[0]&obuHasSize == 0 || len(data) < n {
		return nil, nil, nil, fmt.Errorf("%w: OBU without size", ErrBadData)
	}
	size, used := readLEB(data[n:])
	if used == 0 || size > uint64(len(data)-n-used) {
		return nil, nil, nil, fmt.Errorf("%w: OBU ends early", ErrBadData)
	}
	end := n + used + int(size)
	return data[:n], data[n+used : end], data[end:], nil
}

// readLEB reads leb128() (AV1, 4.10.5). used is 0 if b holds none.
func readLEB(b []byte) (v uint64, used int) {
	for i := range min(len(b), 8) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

func appendLEB(dst []byte, v int) []byte {
	for ; v > 0x7f; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

func lebSize(v int) int {
	n := 1
	for ; v > 0x7f; v >>= 7 {
		n++
	}
	return n
}
