package rtmp

import (
	"encoding/binary"
	"time"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

const (
	// outChunkSize is that of all that is sent: most pictures fit into one chunk.
	outChunkSize = 60000
	// windowSize is how many bytes a peer may send before it expects an acknowledgement.
	windowSize = 5_000_000
	// mediaStream is the message stream of every publisher and player, so that all can get the same bytes.
	mediaStream = 1

	// The chunk streams that are sent on.
	controlStream = 3
	statusStream  = 5
)

// The events of user control messages, section 7.1.7.
const (
	eventStreamBegin  = 0
	eventStreamEOF    = 1
	eventBufferLength = 3
	eventIsRecorded   = 4
	eventPingRequest  = 6
	eventPingResponse = 7
)

func appendCommand(dst []byte, csid byte, stream uint32, name string, id float64, args ...any) []byte {
	body := amf.Append(nil, name, id)
	body = amf.Append(body, args...)
	return chunk.AppendMessage(dst, csid, chunk.Message{Type: chunk.TypeCommandAMF0, StreamID: stream, Body: body}, outChunkSize)
}

// appendResult appends the answer to a call.
func appendResult(dst []byte, id float64, args ...any) []byte {
	return appendCommand(dst, controlStream, 0, "_result", id, args...)
}

// status is the object that says how something went.
func status(level, code, description string) amf.Object {
	return amf.Object{
		{Key: "level", Value: level}, {Key: "code", Value: code}, {Key: "description", Value: description},
	}
}

// appendStatus appends an onStatus of the media stream.
func appendStatus(dst []byte, level, code, description string) []byte {
	return appendCommand(dst, statusStream, mediaStream, "onStatus", 0, nil, status(level, code, description))
}

func appendEvent(dst []byte, event uint16, value uint32) []byte {
	body := binary.BigEndian.AppendUint16(nil, event)
	body = binary.BigEndian.AppendUint32(body, value)
	return chunk.AppendMessage(dst, 2, chunk.Message{Type: chunk.TypeUserControl, Body: body}, outChunkSize)
}

// appendBufferLength appends how much a player wants to have ahead.
func appendBufferLength(dst []byte, stream uint32, length time.Duration) []byte {
	body := binary.BigEndian.AppendUint16(nil, eventBufferLength)
	body = binary.BigEndian.AppendUint32(body, stream)
	body = binary.BigEndian.AppendUint32(body, uint32(length/time.Millisecond))
	return chunk.AppendMessage(dst, 2, chunk.Message{Type: chunk.TypeUserControl, Body: body}, outChunkSize)
}

// pingOf reports whether a message wants to be answered, and what with.
func pingOf(m chunk.Message) (value uint32, ok bool) { return eventOf(m, eventPingRequest) }

// eventOf reports whether a message is an event, and of what.
func eventOf(m chunk.Message, event uint16) (value uint32, ok bool) {
	if m.Type != chunk.TypeUserControl || len(m.Body) < 6 || binary.BigEndian.Uint16(m.Body) != event {
		return 0, false
	}
	return binary.BigEndian.Uint32(m.Body[2:]), true
}

func (x *session) handleUserControl(m chunk.Message) error {
	value, ok := pingOf(m)
	if !ok {
		return nil
	}
	return x.write(appendEvent(nil, eventPingResponse, value))
}
