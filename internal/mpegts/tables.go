package mpegts

import (
	"bytes"
	"encoding/binary"
)

// tables are PAT and PMT, each in one packet.
type tables struct {
	pmt     []byte // what stands in the PMT
	bytes   []byte
	counter byte
	version byte
}

// set makes the tables of tracks. Their version is a new one if they are not what they were.
func (t *tables) set(tracks []*elementary, pcr uint16) {
	pmt := []byte{0xe0 | byte(pcr>>8), byte(pcr), 0xf0, 0}
	for _, e := range tracks {
		d := e.kind.descriptors
		pmt = append(pmt, e.kind.streamType, 0xe0|byte(e.pid>>8), byte(e.pid), 0xf0|byte(len(d)>>8), byte(len(d)))
		pmt = append(pmt, d...)
	}
	if bytes.Equal(pmt, t.pmt) {
		return
	}
	t.pmt = pmt
	t.version = (t.version + 1) & 0x1f
	t.bytes = appendSection(nil, patPID, 0, t.version, []byte{0, 1, 0xe0 | pmtPID>>8, pmtPID & 0xff}) // program 1
	t.bytes = appendSection(t.bytes, pmtPID, 2, t.version, pmt)
}

// append appends the tables.
func (t *tables) append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, t.bytes...)
	for i := at; i < len(dst); i += packetSize {
		dst[i+3] |= t.counter
	}
	t.counter = (t.counter + 1) & 0xf
	return dst
}

// appendSection appends a section (2.4.4) in a packet of its own. For as many tracks as a stream can have it fits.
func appendSection(dst []byte, pid uint16, table, version byte, body []byte) []byte {
	at := len(dst)
	dst = append(dst, 0x47, 0x40|byte(pid>>8), byte(pid), 0x10, 0)
	section := len(dst)
	length := 5 + len(body) + 4
	dst = append(dst, table, 0xb0|byte(length>>8), byte(length), 0, 1, 0xc1|version<<1, 0, 0)
	dst = append(dst, body...)
	dst = binary.BigEndian.AppendUint32(dst, checksum(dst[section:]))
	for len(dst) < at+packetSize {
		dst = append(dst, 0xff)
	}
	return dst
}

// checksum is the CRC of sections (annex A).
func checksum(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
