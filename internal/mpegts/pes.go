package mpegts

import (
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
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
		if data > elementary.MaxADTSData {
			return nil, 0
		}
		b = e.aac.Append(b, data)
	case media.Opus:
		if data > elementary.MaxOpusData {
			return nil, 0
		}
		b = elementary.AppendOpusHead(b, data)
	}
	if p.Track.Codec == media.H264 || p.Track.Codec == media.H265 {
		if data = elementary.UnitsSize(p); data == 0 {
			return nil, 0
		}
		if elementary.NeedsSets(p) {
			data += len(e.sets)
		}
	}
	head = appendPESHead(m.head[:0], e.kind.streamID, p, len(b)+data)
	return append(head, b...), len(head) + len(b) + data
}

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
	n, _ := Ticks(t + delay)
	return append(dst, prefix|byte(n>>29)&0xe|1, byte(n>>22), byte(n>>14)|1, byte(n>>7), byte(n<<1)|1)
}

// writeUnits writes the NAL units of a picture as a byte stream.
func (m *Muxer) writeUnits(w *writer, e *output, p *media.Packet) {
	if elementary.NeedsSets(p) {
		w.write(e.sets)
	}
	for unit := range h26x.Units(p.Data) {
		if !elementary.IsDelimiter(p.Track.Codec, unit) {
			w.write([]byte{0, 0, 0, 1})
			w.write(unit)
		}
	}
}
