package chunk

import (
	"encoding/binary"
	"fmt"
)

// tagHeader is the size of what is in front of each message of an aggregate, and 4 bytes follow it.
const tagHeader = 11

// Aggregated returns the messages that an aggregate message holds, section 7.1.6. Their time stamps count
// from the aggregate's. On an error it returns those before it too.
func Aggregated(m Message) ([]Message, error) {
	var list []Message
	b := m.Body
	var offset uint32
	for len(b) > 0 {
		if len(b) < tagHeader {
			return list, fmt.Errorf("%w: an aggregate ends early", ErrProtocol)
		}
		n := int(uint24(b[1:]))
		stamp := uint24(b[4:]) | uint32(b[7])<<24
		if n > len(b)-tagHeader {
			return list, fmt.Errorf("%w: an aggregate ends early", ErrProtocol)
		}
		if len(list) == 0 {
			offset = m.Timestamp - stamp
		}
		list = append(list, Message{
			Type: b[0], StreamID: m.StreamID, Timestamp: stamp + offset, Body: b[tagHeader : tagHeader+n : tagHeader+n],
		})
		b = b[tagHeader+n:]
		b = b[min(4, len(b)):]
	}
	return list, nil
}

// AppendUint32Message appends a control message whose body is one number, on chunk stream 2.
func AppendUint32Message(dst []byte, typ byte, v uint32) []byte {
	dst = AppendHeader(dst, 2, typ, 0, 0, 4)
	return binary.BigEndian.AppendUint32(dst, v)
}
