package web

import (
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

// lastChunk ends a chunked body (RFC 9112, 7.1).
const lastChunk = "0\r\n\r\n"

// chunkHead is as long as what begins a chunk: its size, which may have zeros in front.
const chunkHead = len("00000000\r\n")

// newPushFormat is FLV in the chunks of a body.
func newPushFormat(encoder flv.Encoder) *media.Format {
	return &media.Format{Name: "http-flv", Schema: "rtmp", Carries: encoder.Carries, OnePerKind: true, New: func() media.Muxer {
		return &bodyMuxer{flv.NewMuxer(encoder)}
	}}
}

// bodyMuxer puts what another muxer makes into chunks (RFC 9112, 7.1).
type bodyMuxer struct{ inner media.Muxer }

var _ media.Muxer = (*bodyMuxer)(nil)

// AppendHeader implements [media.Muxer].
func (m *bodyMuxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	return inChunk(dst, func(b []byte) ([]byte, error) { return m.inner.AppendHeader(b, d) })
}

// AppendChange implements [media.Muxer].
func (m *bodyMuxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	return inChunk(dst, func(b []byte) ([]byte, error) { return m.inner.AppendChange(b, d) })
}

// AppendPacket implements [media.Muxer].
func (m *bodyMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	return inChunk(dst, func(b []byte) ([]byte, error) { return m.inner.AppendPacket(b, p) })
}

// inChunk appends a chunk of what is appended meanwhile; if that is nothing, which would end the body, none.
func inChunk(dst []byte, appended func([]byte) ([]byte, error)) ([]byte, error) {
	begin := len(dst)
	out, err := appended(append(dst, make([]byte, chunkHead)...))
	size := len(out) - begin - chunkHead
	if err != nil || size <= 0 {
		return dst, err
	}
	const digits = "0123456789abcdef"
	for i := range chunkHead - 2 {
		out[begin+i] = digits[size>>(4*(chunkHead-3-i))&15]
	}
	copy(out[begin+chunkHead-2:], "\r\n")
	return append(out, '\r', '\n'), nil
}
