package mpegps

import (
	"encoding/binary"
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxPayload is how many bytes of an access unit are in one PES packet at most. Receivers have been seen to read its length as one of
	// 16 bits with a sign or to keep little more than 64 KiB of it, so that there is some room.
	maxPayload = 65000
	// delay is how long after its bytes an access unit is due, as in transport streams: PTS and DTS are so much ahead of the SCR.
	delay = 700 * time.Millisecond
	// muxRate is what the pack headers say, in units of 50 bytes/s: 50 Mbit/s.
	muxRate = 50_000_000 / 8 / 50
)

// writer appends an access unit in PES packets.
type writer struct {
	dst    []byte
	output *output
	packet *media.Packet
	left   int // bytes of it that have not been written
	room   int // bytes that the PES packet under way can still take
	begun  bool
}

// write appends a piece.
func (w *writer) write(b []byte) {
	for len(b) > 0 {
		if w.room == 0 {
			w.begin()
		}
		n := min(len(b), w.room)
		w.dst = append(w.dst, b[:n]...)
		b = b[n:]
		w.room -= n
		w.left -= n
	}
}

// writeUnits writes the NAL units of a picture as a byte stream.
func (w *writer) writeUnits() {
	if elementary.NeedsSets(w.packet) {
		w.write(w.output.sets)
	}
	for unit := range h26x.Units(w.packet.Data) {
		if !elementary.IsDelimiter(w.packet.Track.Codec, unit) {
			w.write([]byte{0, 0, 0, 1})
			w.write(unit)
		}
	}
}

// begin appends the head of a PES packet (13818-1, 2.4.3.6), of which the first has the stamps.
func (w *writer) begin() {
	w.room = min(w.left, maxPayload)
	p, first := w.packet, !w.begun
	w.begun = true
	flags, size := byte(0), 0
	switch {
	case first && p.DTS != p.PTS:
		flags, size = 0xc0, 10
	case first:
		flags, size = 0x80, 5
	}
	length := 3 + size + w.room
	marks := byte(0x80)
	if first {
		marks |= 4 // data_alignment_indicator
	}
	w.dst = append(w.dst, 0, 0, 1, w.output.streamID, byte(length>>8), byte(length), marks, flags, byte(size))
	if first {
		w.dst = appendStamp(w.dst, flags>>2, p.PTS)
	}
	if size == 10 {
		w.dst = appendStamp(w.dst, 0x10, p.DTS)
	}
}

// appendStamp appends a PTS or DTS behind its four bits of prefix.
func appendStamp(dst []byte, prefix byte, t time.Duration) []byte {
	n, _ := mpegts.Ticks(t + delay)
	return append(dst, prefix|byte(n>>29)&0xe|1, byte(n>>22), byte(n>>14)|1, byte(n>>7), byte(n<<1)|1)
}

// appendPack appends a pack header (2.5.3.3) whose SCR is at a time.
func appendPack(dst []byte, at time.Duration) []byte {
	n, rest := mpegts.Ticks(at)
	return append(dst, 0, 0, 1, packCode,
		0x44|byte(n>>27)&0x38|byte(n>>28)&3, byte(n>>20), 4|byte(n>>12)&0xf8|byte(n>>13)&3, byte(n>>5), 4|byte(n<<3)|byte(rest>>7), byte(rest<<1)|1,
		muxRate>>14&0xff, muxRate>>6&0xff, muxRate<<2&0xff|3, 0xf8)
}

// makeHeaders makes the system header (2.5.3.5) and the map (2.5.4.1).
func (m *Muxer) makeHeaders() {
	video, sound := byte(0), byte(0)
	var bounds, list []byte
	for _, e := range m.outputs {
		if isVideo(e.streamID) {
			video++
			bounds = append(bounds, e.streamID, 0xe0|2048>>8, 2048&0xff) // P-STD_buffer_size_bound, in 1024 bytes
		} else {
			sound++
			bounds = append(bounds, e.streamID, 0xc0|512>>8, 512&0xff) // in 128 bytes
		}
		list = append(list, e.kind.streamType, e.streamID)
		list = binary.BigEndian.AppendUint16(list, uint16(len(e.kind.descriptors)))
		list = append(list, e.kind.descriptors...)
	}
	b := []byte{0, 0, 1, systemCode}
	b = binary.BigEndian.AppendUint16(b, uint16(6+len(bounds)))
	b = append(b, 0x80|muxRate>>15, muxRate>>7&0xff, muxRate<<1&0xff|1, sound<<2, 0x20|video, 0x7f)
	b = append(b, bounds...)

	m.version = (m.version + 1) & 0x1f
	at := len(b)
	b = append(b, 0, 0, 1, mapCode)
	b = binary.BigEndian.AppendUint16(b, uint16(4+2+len(list)+4))
	b = append(b, 0xe0|m.version, 0xff, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(list)))
	b = append(b, list...)
	m.headers = binary.BigEndian.AppendUint32(b, mpegts.Checksum(b[at:]))
}
