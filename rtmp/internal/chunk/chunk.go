// Package chunk is the RTMP chunk stream, section 5.3 of the specification: messages cut into chunks that may
// interleave. Whatever a peer sends, memory is taken only for bytes that have arrived, and no more than the
// limits that are set.
package chunk

import "errors"

// MaxStreams is the most chunk streams a connection may use.
const MaxStreams = 64

// Limits are how much memory a peer may take.
type Limits struct {
	Message int // the longest message
	Partial int // what all messages together may take that are not complete
	First   int // what is taken for a message when its first bytes come, at most
}

// Full returns the limits of a peer that was let in to send media.
func Full() Limits { return Limits{Message: MaxMessage, Partial: 24 << 20, First: 64 << 10} }

// Early returns those of a peer that was not.
func Early() Limits { return Limits{Message: 64 << 10, Partial: 64 << 10, First: 1 << 10} }

// MaxMessage is the longest message that there is.
const MaxMessage = 16 << 20

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
