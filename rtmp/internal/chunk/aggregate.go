package chunk

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// tagHeader is the size of what is in front of each message of an aggregate, and 4 bytes follow it.
const tagHeader = 11

// Aggregated yields the messages that an aggregate message holds, section 7.1.6. Their time stamps count from
// the aggregate's. A broken one yields an error behind those before it. Nothing is copied: the bodies lie in
// the aggregate's.
func Aggregated(m Message) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		var offset uint32
		for b := m.Body; len(b) > 0; {
			if len(b) < tagHeader || int(uint24(b[1:])) > len(b)-tagHeader {
				yield(Message{}, fmt.Errorf("%w: an aggregate ends early", ErrProtocol))
				return
			}
			end := tagHeader + int(uint24(b[1:]))
			stamp := uint24(b[4:]) | uint32(b[7])<<24
			if len(b) == len(m.Body) { // the first
				offset = m.Timestamp - stamp
			}
			part := Message{Type: b[0], StreamID: m.StreamID, Timestamp: stamp + offset, Body: b[tagHeader:end:end]}
			if !yield(part, nil) {
				return
			}
			b = b[end:]
			b = b[min(4, len(b)):] // the back pointer
		}
	}
}

// AppendUint32Message appends a control message whose body is one number, on chunk stream 2.
func AppendUint32Message(dst []byte, typ byte, v uint32) []byte {
	dst = AppendHeader(dst, 2, typ, 0, 0, 4)
	return binary.BigEndian.AppendUint32(dst, v)
}
