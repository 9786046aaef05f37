package web

import (
	"encoding/binary"

	"github.com/gobwas/ws"

	"github.com/sluice-media/sluice/media"
)

// appendFrameHeader appends the header of an unmasked, final frame, RFC 6455, 5.2.
func appendFrameHeader(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
}

func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	return append(appendFrameHeader(dst, op, len(payload)), payload...)
}

// maxReason is what a close frame can hold besides its code.
const maxReason = 123

// appendClose appends a close frame. A refusal's code is the HTTP status, as clients of ZLMediaKit expect.
func appendClose(dst []byte, code int, reason string) []byte {
	reason = reason[:min(len(reason), maxReason)]
	payload := append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	return appendFrame(dst, ws.OpClose, payload)
}

// sizedMuxer is a muxer that tells how many bytes it will make of a packet, so that they can be framed in place.
type sizedMuxer interface {
	media.Muxer
	PacketSize(p *media.Packet) int
}

// frameMuxer puts what a muxer makes into binary frames, one for each packet. A server does not mask, so that the frames
// are the same for all players.
type frameMuxer struct{ inner sizedMuxer }

var _ media.Muxer = (*frameMuxer)(nil)

// AppendHeader implements [media.Muxer].
func (m *frameMuxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	payload, err := m.inner.AppendHeader(nil, d)
	return appendFrame(dst, ws.OpBinary, payload), err
}

// AppendChange implements [media.Muxer].
func (m *frameMuxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	payload, err := m.inner.AppendChange(nil, d)
	return appendFrame(dst, ws.OpBinary, payload), err
}

// AppendPacket implements [media.Muxer].
func (m *frameMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	n := m.inner.PacketSize(p)
	if n == 0 {
		return dst, nil
	}
	return m.inner.AppendPacket(appendFrameHeader(dst, ws.OpBinary, n), p)
}
