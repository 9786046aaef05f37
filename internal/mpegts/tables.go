package mpegts

import (
	"bytes"
	"encoding/binary"
)

// tables are PAT and PMT: a packet, and as many as the tracks take.
type tables struct {
	pmt      []byte // what stands in the PMT
	bytes    []byte
	counters [2]byte // of the PAT and the PMT
	version  byte
}

// set makes the tables of tracks. Their version is a new one if they are not what they were.
func (t *tables) set(tracks []*output, pcr uint16) {
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
		counter := &t.counters[min(i-at, 1)]
		dst[i+3] |= *counter
		*counter = (*counter + 1) & 0xf
	}
	return dst
}

// Tables returns the tables at the beginning of a chunk with which a reader can begin: the packets of PAT and PMT.
func Tables(chunk []byte) []byte {
	n := 0
	for n+packetSize <= len(chunk) {
		if pid := binary.BigEndian.Uint16(chunk[n+1:]) & 0x1fff; pid != patPID && pid != pmtPID {
			break
		}
		n += packetSize
	}
	return chunk[:n:n]
}

// appendSection appends a section (2.4.4) in packets of its own.
func appendSection(dst []byte, pid uint16, table, version byte, body []byte) []byte {
	length := 5 + len(body) + 4
	section := append([]byte{table, 0xb0 | byte(length>>8), byte(length), 0, 1, 0xc1 | version<<1, 0, 0}, body...)
	section = binary.BigEndian.AppendUint32(section, Checksum(section))
	rest := append([]byte{0}, section...) // it begins at once
	for start := byte(0x40); len(rest) > 0; start = 0 {
		n := min(len(rest), payloadSize)
		dst = append(dst, 0x47, start|byte(pid>>8), byte(pid), 0x10)
		dst = append(dst, rest[:n]...)
		for range payloadSize - n {
			dst = append(dst, 0xff)
		}
		rest = rest[n:]
	}
	return dst
}

// Checksum is the CRC of sections (13818-1, annex A). With it behind them it is 0.
func Checksum(b []byte) uint32 {
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
