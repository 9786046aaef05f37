// Package chunk is the RTMP chunk stream, section 5.3 of the specification: messages cut into chunks that may
// interleave. Whatever a peer sends, memory is taken only for bytes that have arrived, and no more than the
// limits below.
package chunk

import "errors"

// Limits of what a peer may send.
const (
	// MaxMessage is the longest message.
	MaxMessage = 16 << 20
	// MaxPartial is the most that may be held of messages which are not complete.
	MaxPartial = 24 << 20
	// MaxStreams is the most chunk streams a connection may use.
	MaxStreams = 64
)

// The types of messages, sections 5.4 and 7.1.
const (
	TypeSetChunkSize     = 1
	TypeAbort            = 2
	TypeAcknowledgement  = 3
	TypeUserControl      = 4
	TypeWindowAckSize    = 5
	TypeSetPeerBandwidth = 6
	TypeAudio            = 8
	TypeVideo            = 9
	TypeDataAMF3         = 15
	TypeCommandAMF3      = 17
	TypeDataAMF0         = 18
	TypeCommandAMF0      = 20
	TypeAggregate        = 22
)

// ErrProtocol is matched by errors that mean the peer does not speak RTMP, or not any more.
var ErrProtocol = errors.New("rtmp: protocol error")

// Message is a whole message. Its body belongs to whoever gets it.
type Message struct {
	Type byte
	// StreamID is that of the message stream.
	StreamID uint32
	// Timestamp is in milliseconds and wraps.
	Timestamp uint32
	Body      []byte
}
