package mpegts

import (
	"time"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// pesHead returns the head of the PES packet of p (2.4.3.6), with what its codec wants in front of the data, and the size of
// all; 0 if there is nothing to send.
func (m *Muxer) pesHead(e *output, p *media.Packet) (head []byte, size int) {
	var inner [32]byte // what the codec wants
	b, data := inner[:0], len(p.Data)
	switch p.Track.Codec {
	case media.H264:
		b = append(b, 0, 0, 0, 1, h26x.AVCDelimiter, 0xf0)
	case media.H265:
		b = append(b, 0, 0, 0, 1, h26x.HEVCDelimiter<<1, 1, 0x50)
	case media.AAC:
		if data > maxAACData {
			return nil, 0
		}
		b = e.aac.appendADTS(b, data)
	case media.Opus:
		if data > maxOpusData {
			return nil, 0
		}
		b = appendOpusHead(b, data)
	}
	if p.Track.Codec == media.H264 || p.Track.Codec == media.H265 {
		if data = unitsSize(p); data == 0 {
			return nil, 0
		}
		if needsSets(p) {
			data += len(e.sets)
		}
	}
	head = appendPESHead(m.head[:0], e.kind.streamID, p, len(b)+data)
	return append(head, b...), len(head) + len(b) + data
}

// maxOpusData bounds an access unit of Opus, which has 1275 bytes for each of at most 48 frames of 2.5 ms (RFC 6716, 3.2.5), so
// that its head stays small.
const maxOpusData = 5000

// appendPESHead appends the head proper, of a packet with n bytes.
func appendPESHead(dst []byte, id byte, p *media.Packet, n int) []byte {
	flags, size := byte(0x80), byte(5)
	if p.DTS != p.PTS {
		flags, size = 0xc0, 10
	}
	length := 3 + int(size) + n
	if length > 0xffff {
		length = 0 // unbounded, which is for video only: no audio frame is that long
	}
	dst = append(dst, 0, 0, 1, id, byte(length>>8), byte(length), 0x84, flags, size)
	dst = appendStamp(dst, flags>>2, p.PTS)
	if p.DTS != p.PTS {
		dst = appendStamp(dst, 0x10, p.DTS)
	}
	return dst
}

// appendStamp appends a PTS or DTS behind its four bits of prefix.
func appendStamp(dst []byte, prefix byte, t time.Duration) []byte {
	n, _ := ticks(t + delay)
	return append(dst, prefix|byte(n>>29)&0xe|1, byte(n>>22), byte(n>>14)|1, byte(n>>7), byte(n<<1)|1)
}

// isDelimiter reports whether a NAL unit is an access unit delimiter, which the muxer writes itself.
func isDelimiter(codec media.Codec, unit []byte) bool {
	typ := h26x.UnitType(codec, unit[0])
	return codec == media.H264 && typ == h26x.AVCDelimiter || codec == media.H265 && typ == h26x.HEVCDelimiter
}

// unitsSize is how many bytes the NAL units of a picture take in a byte stream: as many as with their lengths.
func unitsSize(p *media.Packet) (n int) {
	for unit := range h26x.Units(p.Data) {
		if !isDelimiter(p.Track.Codec, unit) {
			n += 4 + len(unit)
		}
	}
	return n
}

// needsSets reports whether parameter sets belong in front of a picture: it is one to begin with, and has none itself.
func needsSets(p *media.Packet) bool {
	if !p.Key {
		return false
	}
	for unit := range h26x.Units(p.Data) {
		typ := h26x.UnitType(p.Track.Codec, unit[0])
		if p.Track.Codec == media.H264 && typ == h26x.AVCSPS || p.Track.Codec == media.H265 && typ == h26x.HEVCSPS {
			return false
		}
	}
	return true
}

// writeUnits writes the NAL units of a picture as a byte stream.
func (m *Muxer) writeUnits(w *writer, e *output, p *media.Packet) {
	if needsSets(p) {
		w.write(e.sets)
	}
	for unit := range h26x.Units(p.Data) {
		if !isDelimiter(p.Track.Codec, unit) {
			w.write([]byte{0, 0, 0, 1})
			w.write(unit)
		}
	}
}
