package rtmp

import (
	"fmt"
	"time"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// The chunk streams of media.
const (
	audioStream = 4
	videoStream = 6
)

// maxBody is what the 24 bits of a message's length can say.
const maxBody = 1<<24 - 1

func newFormat(legacy bool) *media.Format {
	encoder := flv.Encoder{Legacy: legacy}
	return &media.Format{Name: "rtmp", Schema: "rtmp", Carries: encoder.Carries, OnePerKind: true, New: func() media.Muxer {
		return &muxer{encoder: encoder, stream: mediaStream}
	}}
}

// muxer makes messages of packets. All of it is absolute, so that the bytes are the same for every player.
type muxer struct {
	encoder   flv.Encoder
	stream    uint32 // the message stream
	publishes bool   // it is for a server
	last      uint32 // the newest time stamp, in ms
}

// AppendHeader implements [media.Muxer]: metadata and the decoders' configurations.
func (m *muxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	var about []byte
	if m.publishes {
		about = amf.Append(nil, "@setDataFrame")
	}
	dst = m.append(dst, chunk.TypeDataAMF0, statusStream, m.encoder.AppendMetadata(about, d))
	for _, t := range d.Tracks {
		typ, csid := byte(chunk.TypeAudio), byte(audioStream)
		if t.Codec.Video() {
			typ, csid = chunk.TypeVideo, videoStream
		}
		if body := m.encoder.AppendSequenceHeader(nil, t); len(body) > 0 {
			dst = m.append(dst, typ, csid, body)
		}
	}
	return dst, nil
}

// AppendChange implements [media.Muxer].
func (m *muxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	return m.AppendHeader(dst, d)
}

// AppendPacket implements [media.Muxer].
func (m *muxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	csid := byte(audioStream)
	typ := m.encoder.TagType(p)
	switch typ {
	case 0:
		return dst, nil // FLV has no such codec
	case flv.TagVideo:
		csid = videoStream
	}
	size := m.encoder.BodySize(p)
	if size > maxBody {
		return dst, fmt.Errorf("rtmp: a packet of %d bytes is too long for a message", size)
	}
	m.last = uint32(p.DTS / time.Millisecond)
	dst = chunk.AppendHeader(dst, csid, typ, m.stream, m.last, size)
	dst = m.encoder.AppendBody(dst, p)
	return chunk.Split(dst, csid, m.last, size, outChunkSize), nil
}

// append appends a message of the description. One that is too long is left out: only metadata can be.
func (m *muxer) append(dst []byte, typ, csid byte, body []byte) []byte {
	if len(body) > maxBody {
		return dst
	}
	return chunk.AppendMessage(dst, csid, chunk.Message{
		Type: typ, StreamID: m.stream, Timestamp: m.last, Body: body,
	}, outChunkSize)
}
