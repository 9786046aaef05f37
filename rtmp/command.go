package rtmp

import (
	"fmt"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// command is a command message, section 7.2: a name, a transaction and arguments, the first of which is the
// command object.
type command struct {
	name string
	id   float64
	args []any
}

// amf0Body returns the AMF0 values of a command or data message. Those of the AMF3 types have a byte 0 in front,
// and may switch to AMF3 in each value.
func amf0Body(m chunk.Message) []byte {
	switch m.Type {
	case chunk.TypeCommandAMF3, chunk.TypeDataAMF3:
		if len(m.Body) > 0 && m.Body[0] == 0 {
			return m.Body[1:]
		}
	}
	return m.Body
}

func parseCommand(m chunk.Message) (command, error) {
	values, err := amf.Unmarshal0(amf0Body(m))
	if len(values) == 0 {
		return command{}, fmt.Errorf("%w: a command without a name: %w", chunk.ErrProtocol, err)
	}
	name, ok := values[0].(string)
	if !ok {
		return command{}, fmt.Errorf("%w: a command without a name", chunk.ErrProtocol)
	}
	// What could be read is enough: encoders have been seen to spoil the rest.
	c := command{name: name}
	if len(values) > 1 {
		c.id, _ = values[1].(float64)
		c.args = values[2:]
	}
	return c, nil
}

// text returns an argument that is a string. Argument 0 is the command object.
func (c command) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, _ := c.args[i].(string)
	return s
}

// flag returns an argument that is a boolean.
func (c command) flag(i int) bool {
	if i >= len(c.args) {
		return false
	}
	b, _ := c.args[i].(bool)
	return b
}

func (c command) object(i int) amf.Object {
	if i >= len(c.args) {
		return nil
	}
	return amf.Members(c.args[i])
}

func (x *session) handleCommand(m chunk.Message) error {
	c, err := parseCommand(m)
	if err != nil {
		return err
	}
	switch c.name {
	case "connect":
		return x.connect(c)
	case "createStream":
		return x.write(appendResult(nil, c.id, nil, mediaStream))
	case "publish":
		return x.publish(c)
	case "play":
		return x.play(c)
	case "deleteStream", "closeStream":
		return x.closeStream()
	case "pause", "pauseRaw":
		return x.pause(c)
	case "seek":
		return x.seek(c)
	case "FCPublish":
		if len(c.text(1)) > 2*maxText {
			return errTooLong
		}
		x.fcName = c.text(1) // the answer comes with the one to publish: a hook decides then
		return x.write(appendResult(nil, c.id, nil, amf.Undefined{}))
	case "FCUnpublish":
		return x.unpublish()
	case "FCSubscribe":
		return x.write(appendCommand(nil, controlStream, 0, "onFCSubscribe", 0, nil,
			status("status", "NetStream.Play.Start", "")))
	default:
		return x.handleOther(c)
	}
}

// handleOther answers commands that change nothing here.
func (x *session) handleOther(c command) error {
	switch c.name {
	case "releaseStream", "_checkbw", "checkbw":
		return x.write(appendResult(nil, c.id, nil, nil))
	case "getStreamLength": // of a live stream: none
		return x.write(appendResult(nil, c.id, nil, 0.0))
	case "play2":
		return x.write(appendStatus(nil, "error", "NetStream.Play.Failed", "a live stream has one bit rate"))
	case "receiveAudio", "receiveVideo", "_result", "_error", "onStatus", "onBWDone", "close", "FCUnsubscribe":
		return nil
	}
	x.logger().Debug("unknown command", "name", c.name)
	if c.id == 0 {
		return nil
	}
	return x.write(appendCommand(nil, controlStream, 0, "_error", c.id, nil,
		status("error", "NetConnection.Call.Failed", "no such command")))
}

func (x *session) connect(c command) error {
	o := c.object(0)
	if len(o.String("tcUrl")) > maxText || len(o.String("app")) > maxText {
		return x.rejectConnect(c)
	}
	x.link = newLink(o.String("tcUrl"), o.String("app"))
	b := chunk.AppendUint32Message(nil, chunk.TypeWindowAckSize, windowSize)
	b = chunk.AppendMessage(b, 2, chunk.Message{Type: chunk.TypeSetPeerBandwidth, Body: []byte{0, 0x4c, 0x4b, 0x40, 2}}, outChunkSize)
	b = chunk.AppendUint32Message(b, chunk.TypeSetChunkSize, outChunkSize)
	info := append(status("status", "NetConnection.Connect.Success", "connection succeeded"),
		amf.Property{Key: "objectEncoding", Value: o.Number("objectEncoding")})
	b = appendResult(b, c.id, amf.Object{
		{Key: "fmsVer", Value: "FMS/3,0,1,123"}, {Key: "capabilities", Value: 31.0},
	}, info)
	b = appendCommand(b, controlStream, 0, "onBWDone", 0, nil)
	return x.write(b)
}

// rejectConnect refuses a URL that is too long.
func (x *session) rejectConnect(c command) error {
	if err := x.write(appendCommand(nil, controlStream, 0, "_error", c.id, nil,
		status("error", "NetConnection.Connect.Rejected", "the URL is too long"))); err != nil {
		return err
	}
	acceptor.Linger(x.conn)
	return &acceptor.Refusal{Cause: errTooLong}
}
