package dialect

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"time"

	"github.com/sluice-media/sluice/media"
)

// due reports whether something is written with a picture.
func (w *device) due(m moment, key bool) bool {
	return m == always || key && (m == atKeys || m == atLaterKeys && w.keys > 1)
}

// front is what stands in front of PES packets.
func (w *device) front(at time.Duration, key bool) (b []byte) {
	system := w.due(w.system, key)
	if system && w.systemFirst {
		b = w.appendSystem(b)
	}
	b = w.appendPack(b, at)
	if system && !w.systemFirst {
		b = w.appendSystem(b)
	}
	if w.due(w.programMap, key) && !w.mapInside {
		b = w.appendMap(b)
	}
	return b
}

// appendPack appends the header of a pack (13818-1, 2.5.3.3).
func (w *device) appendPack(b []byte, at time.Duration) []byte {
	n := ticks(w.clock + at)
	switch w.pack {
	case packNone:
		return b
	case pack1: // ISO/IEC 11172-1, 2.4.3.2
		b = append(b, 0, 0, 1, 0xba)
		return append(appendStamp(b, 2, n), 0x80, 0x27, 0x11)
	}
	b = append(b, 0, 0, 1, 0xba, 0x44|byte(n>>27)&0x38|byte(n>>28)&3, byte(n>>20), 4|byte(n>>12)&0xf8|byte(n>>13)&3, byte(n>>5), 4|byte(n<<3), 1)
	b = append(b, 0x01, 0x5f, 0x93, 0xf8|byte(w.promised))
	for range w.stuffing {
		b = append(b, 0xff)
	}
	return b
}

// appendSystem appends a system header (2.5.3.5).
func (w *device) appendSystem(b []byte) []byte {
	return append(b, 0, 0, 1, 0xbb, 0, 12, 0x80, 0xaf, 0xcb, 4, 0xe1, 0x7f, w.videoID, 0xe0, 0xe8, w.soundID, 0xc0, 0x20)
}

// appendMap appends a program_stream_map (2.5.4.1).
func (w *device) appendMap(b []byte) []byte {
	var list []byte
	add := func(streamType, id byte) {
		list = append(list, streamType, id)
		list = binary.BigEndian.AppendUint16(list, uint16(len(w.streamInfo)))
		list = append(list, w.streamInfo...)
	}
	for _, t := range w.tracks {
		streamType := w.typeOf(t)
		switch {
		case t.Codec.Video():
			add(streamType, w.videoID)
		case !w.mute && (!w.soundLate || w.keys > 1):
			add(streamType, w.soundID)
		}
	}
	if w.privateTypes {
		add(0xbd, 0xbd)
		add(0xbf, 0xbf)
	}
	body := []byte{0xe1, 0xff}
	body = binary.BigEndian.AppendUint16(body, uint16(len(w.programInfo)))
	body = append(body, w.programInfo...)
	body = binary.BigEndian.AppendUint16(body, uint16(max(len(list)+w.listExcess, 0)))
	body = append(body, list...)
	length := len(body)
	if w.checksum != none {
		length += 4
	}
	m := []byte{0, 0, 1, 0xbc}
	m = binary.BigEndian.AppendUint16(m, uint16(max(length+w.mapExcess, 0)))
	m = append(m, body...)
	switch w.checksum {
	case right:
		m = binary.BigEndian.AppendUint32(m, crc(m))
	case wrong:
		m = append(m, 0xde, 0xad, 0xbe, 0xef)
	case none:
	}
	return append(b, m...)
}

// crc is the checksum of maps (annex A): the one of crc32 with its bits the other way round, and not inverted.
func crc(b []byte) uint32 {
	turned := make([]byte, len(b))
	for i, c := range b {
		turned[i] = bits.Reverse8(c)
	}
	return bits.Reverse32(^crc32.ChecksumIEEE(turned))
}

// typeOf is the stream type of a track.
func (w *device) typeOf(t *media.Track) byte {
	if w.noTypes {
		return 0
	}
	if t.Codec.Video() && w.videoType != 0 {
		return w.videoType
	}
	if !t.Codec.Video() && w.soundType != 0 {
		return w.soundType
	}
	if w.latm && t.Codec == media.AAC {
		return 0x11
	}
	types := map[media.Codec]byte{media.H264: 0x1b, media.H265: 0x24, media.AAC: 0x0f, media.MP3: 0x03, media.G711A: 0x90, media.G711U: 0x91}
	if w.wrongVideo {
		types[media.H264], types[media.H265] = 0x24, 0x1b
	}
	return types[t.Codec]
}

// appendPES appends a PES packet (2.4.3.6).
func (w *device) appendPES(b []byte, id byte, payload []byte, s stamp) []byte {
	head := w.pesHead(s)
	length := len(head) + len(payload)
	video := id == w.videoID
	switch {
	case video && w.unbounded:
		length = 0
	case video:
		length += w.lengthExcess
	}
	b = append(b, 0, 0, 1, id)
	b = binary.BigEndian.AppendUint16(b, uint16(length)) // of a longer one, what is left of it in 16 bits
	b = append(b, head...)
	return append(b, payload...)
}

// pesHead is what follows the length.
func (w *device) pesHead(s stamp) (b []byte) {
	if w.pes1 {
		return pesHead1(s)
	}
	flags := byte(0)
	if s.given {
		flags = 0x80
		b = appendStamp(b, 2, ticks(s.pts))
	}
	if s.decoding {
		flags, b[0] = 0xc0, b[0]|0x10
		b = appendStamp(b, 1, ticks(s.dts))
	}
	if w.pesExtras { // ESCR, ES_rate, and a CRC
		flags |= 0x32
		b = append(b, 0x04, 0, 4, 0, 4, 1, 0x80, 0, 1, 0x12, 0x34)
	}
	for range w.pesStuffing {
		b = append(b, 0xff)
	}
	return append([]byte{0x84, flags, byte(len(b))}, b...)
}

// pesHead1 is that of MPEG-1 (ISO/IEC 11172-1, 2.4.3.3).
func pesHead1(s stamp) []byte {
	b := []byte{0xff, 0xff, 0x60, 0x2e}
	switch {
	case s.decoding:
		return appendStamp(appendStamp(b, 3, ticks(s.pts)), 1, ticks(s.dts))
	case s.given:
		return appendStamp(b, 2, ticks(s.pts))
	}
	return append(b, 0x0f)
}

// ticks is a time in 90 kHz.
func ticks(t time.Duration) uint64 { return uint64(t*9/100000) & (1<<33 - 1) }

// appendStamp appends 33 bits behind four bits of prefix.
func appendStamp(b []byte, prefix byte, n uint64) []byte {
	return append(b, prefix<<4|byte(n>>29)&0xe|1, byte(n>>22), byte(n>>14)|1, byte(n>>7), byte(n<<1)|1)
}
