package flv

import (
	"encoding/binary"
	"time"

	"github.com/sluice-media/sluice/media"
)

const tagHeader = 11

// Muxer makes an FLV file of a stream.
type Muxer struct {
	encoder Encoder
	last    uint32 // the newest time stamp, in ms
}

var _ media.Muxer = (*Muxer)(nil)

// NewMuxer returns a muxer that makes bodies with e.
func NewMuxer(e Encoder) *Muxer { return &Muxer{encoder: e} }

// AppendHeader appends the file header, the metadata and the sequence headers.
func (m *Muxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	flags := byte(0)
	for _, t := range d.Tracks {
		switch m.encoder.TagType(&media.Packet{Track: t}) {
		case TagVideo:
			flags |= 1
		case TagAudio:
			flags |= 4
		}
	}
	dst = append(dst, 'F', 'L', 'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0)
	return m.AppendChange(dst, d)
}

// AppendChange appends the metadata and the sequence headers.
func (m *Muxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	dst = m.append(dst, TagScript, m.encoder.AppendMetadata(nil, d))
	for _, t := range d.Tracks {
		typ := byte(TagAudio)
		if t.Codec.Video() {
			typ = TagVideo
		}
		if body := m.encoder.AppendSequenceHeader(nil, t); len(body) > 0 {
			dst = m.append(dst, typ, body)
		}
	}
	return dst, nil
}

func (m *Muxer) append(dst []byte, typ byte, body []byte) []byte {
	dst = append(appendTagHeader(dst, typ, len(body), m.last), body...)
	return appendTagEnd(dst, len(body))
}

// AppendPacket appends the tag of a packet; nothing if FLV has no such codec.
func (m *Muxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	typ := m.encoder.TagType(p)
	if typ == 0 {
		return dst, nil
	}
	m.last = uint32(p.DTS / time.Millisecond)
	size := m.encoder.BodySize(p)
	dst = m.encoder.AppendBody(appendTagHeader(dst, typ, size, m.last), p)
	return appendTagEnd(dst, size), nil
}

// PacketSize returns how many bytes AppendPacket appends.
func (m *Muxer) PacketSize(p *media.Packet) int {
	if m.encoder.TagType(p) == 0 {
		return 0
	}
	return tagHeader + m.encoder.BodySize(p) + 4
}

func appendTagHeader(dst []byte, typ byte, size int, stamp uint32) []byte {
	return append(
		dst, typ, byte(size>>16), byte(size>>8), byte(size),
		byte(stamp>>16), byte(stamp>>8), byte(stamp), byte(stamp>>24), 0, 0, 0,
	)
}

// appendTagEnd appends the size of the tag, by which a file can be read backwards.
func appendTagEnd(dst []byte, size int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(tagHeader+size))
}
