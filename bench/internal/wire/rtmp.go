package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// RTMP message types below the media ones, RTMP 1.0 sections 5.4, 6.2 and 7.1.
const (
	typeChunkSize   = 1
	typeAbort       = 2
	typeAck         = 3
	typeUserControl = 4
	typeWindow      = 5
	typeCommandAMF3 = 17
	typeCommand     = 20
)

// User control events, RTMP 1.0 section 7.1.7.
const (
	eventBufferLength = 3
	eventPing         = 6
	eventPong         = 7
)

const handshakeSize = 1536

// RTMP is a playing RTMP connection. It answers pings and acknowledges what it received.
type RTMP struct {
	w      io.Writer
	chunks *chunkReader
	window uint64 // bytes between two acknowledgements; 0 before the server asked for any
	acked  uint64
	ahead  *Message // media that came before the server said that play starts
}

var _ Source = (*RTMP)(nil)

// PlayRTMP performs the simple handshake, connect, createStream and play (RTMP 1.0 sections 5.2 and 7.2) and returns
// when the server has answered NetStream.Play.Start or sends media.
//
// The first path segment of u is the app, the rest with the query is the stream.
func PlayRTMP(rw io.ReadWriter, u *url.URL) (*RTMP, error) {
	app, stream := splitPath(u)
	c := &RTMP{w: rw, chunks: newChunkReader(rw)}
	echo, err := c.handshake()
	if err != nil {
		return nil, err
	}
	if err := c.connect(echo, u, app); err != nil {
		return nil, err
	}
	id, err := c.createStream()
	if err != nil {
		return nil, err
	}
	return c, c.play(stream, id)
}

func splitPath(u *url.URL) (app, stream string) {
	app, stream, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if u.RawQuery != "" {
		stream += "?" + u.RawQuery
	}
	return app, stream
}

// handshake sends C0 and C1, reads S0, S1 and S2, and returns C2, which echoes S1 and may travel with the next bytes.
func (c *RTMP) handshake() ([]byte, error) {
	hello := make([]byte, 1+handshakeSize)
	hello[0] = 3
	for i := range hello[9:] {
		hello[9+i] = byte(i * 7)
	}
	if err := c.write(hello); err != nil {
		return nil, err
	}
	reply := make([]byte, 1+2*handshakeSize)
	if err := c.chunks.full(reply); err != nil {
		return nil, err
	}
	if reply[0] != 3 {
		return nil, malformed("RTMP version %d", reply[0])
	}
	return reply[1 : 1+handshakeSize], nil
}

func (c *RTMP) connect(echo []byte, u *url.URL, app string) error {
	body := appendAMF(nil, "connect", 1.0, []field{
		{"app", app},
		{"flashVer", "LNX 9,0,124,2"},
		{"tcUrl", "rtmp://" + u.Host + "/" + app},
		{"fpad", false},
		{"capabilities", 15.0},
		{"audioCodecs", 4071.0},
		{"videoCodecs", 252.0},
		{"videoFunction", 1.0},
	})
	if err := c.write(appendMessage(bytes.Clone(echo), 3, typeCommand, 0, body)); err != nil {
		return err
	}
	_, err := c.result(1)
	return err
}

func (c *RTMP) createStream() (uint32, error) {
	window := binary.BigEndian.AppendUint32(nil, 2_500_000)
	b := appendMessage(nil, 2, typeWindow, 0, window)
	b = appendMessage(b, 3, typeCommand, 0, appendAMF(nil, "createStream", 2.0, nil))
	if err := c.write(b); err != nil {
		return 0, err
	}
	args, err := c.result(2)
	if err != nil {
		return 0, err
	}
	if len(args) < 2 {
		return 0, malformed("createStream was answered without a stream id")
	}
	id, ok := args[1].(float64)
	if !ok || id < 0 || id > 1<<31 {
		return 0, malformed("createStream was answered with stream id %v", args[1])
	}
	return uint32(id), nil
}

func (c *RTMP) play(stream string, id uint32) error {
	buffer := binary.BigEndian.AppendUint16(nil, eventBufferLength)
	buffer = binary.BigEndian.AppendUint32(buffer, id)
	buffer = binary.BigEndian.AppendUint32(buffer, 3000)
	b := appendMessage(nil, 8, typeCommand, id, appendAMF(nil, "play", 0.0, nil, stream, -2000.0))
	b = appendMessage(b, 2, typeUserControl, 0, buffer)
	if err := c.write(b); err != nil {
		return err
	}
	for {
		m, err := c.message()
		if err != nil {
			return err
		}
		if m.Type == TypeAudio || m.Type == TypeVideo {
			c.ahead = &m
			return nil
		}
		if code, err := statusOf(m); err != nil || code == "NetStream.Play.Start" {
			return err
		}
	}
}

// result waits for the answer to command number id and returns what follows the number.
func (c *RTMP) result(id float64) ([]any, error) {
	for {
		m, err := c.message()
		if err != nil {
			return nil, err
		}
		values, err := command(m)
		if err != nil {
			return nil, err
		}
		if len(values) < 2 || values[1] != id {
			continue
		}
		switch values[0] {
		case "_result":
			return values[2:], nil
		case "_error":
			return nil, fmt.Errorf("wire: the server refused: %v", values[2:])
		}
	}
}

// Next returns the next media message.
func (c *RTMP) Next() (Message, error) {
	if m := c.ahead; m != nil {
		c.ahead = nil
		return *m, nil
	}
	for {
		m, err := c.message()
		if err != nil {
			return Message{}, err
		}
		switch m.Type {
		case TypeAudio, TypeVideo, TypeScript:
			return m, nil
		}
		if code, err := statusOf(m); err != nil {
			return Message{}, err
		} else if code == "NetStream.Play.Stop" || code == "NetStream.Play.UnpublishNotify" {
			return Message{}, fmt.Errorf("%w: %s", ErrEnd, code)
		}
	}
}

// message returns the next message that is not about the connection itself.
func (c *RTMP) message() (Message, error) {
	for {
		m, err := c.chunks.next()
		if err != nil {
			return m, err
		}
		if done, err := c.control(m); err != nil || !done {
			return m, err
		}
		if err := c.acknowledge(); err != nil {
			return m, err
		}
	}
}

// control acts on protocol control messages and says whether m was one.
func (c *RTMP) control(m Message) (bool, error) {
	switch m.Type {
	case typeChunkSize:
		return true, c.chunks.setSize(m.Body)
	case typeAbort:
		return true, c.chunks.abort(m.Body)
	case typeUserControl:
		return true, c.event(m.Body)
	case typeWindow:
		if len(m.Body) < 4 {
			return true, malformed("window size of %d bytes", len(m.Body))
		}
		c.window = uint64(binary.BigEndian.Uint32(m.Body))
		return true, nil
	case typeAck, 6:
		return true, nil
	case typeCommand, typeCommandAMF3, TypeAudio, TypeVideo, TypeScript:
		return false, c.acknowledge()
	}
	return false, malformed("RTMP message type %d", m.Type)
}

func (c *RTMP) event(body []byte) error {
	if len(body) < 2 {
		return malformed("user control message of %d bytes", len(body))
	}
	if binary.BigEndian.Uint16(body) != eventPing || len(body) < 6 {
		return nil
	}
	pong := binary.BigEndian.AppendUint16(nil, eventPong)
	return c.write(appendMessage(nil, 2, typeUserControl, 0, append(pong, body[2:6]...)))
}

func (c *RTMP) acknowledge() error {
	if c.window == 0 || c.chunks.read-c.acked < c.window {
		return nil
	}
	c.acked = c.chunks.read
	count := binary.BigEndian.AppendUint32(nil, uint32(c.acked))
	return c.write(appendMessage(nil, 2, typeAck, 0, count))
}

func (c *RTMP) write(b []byte) error {
	if _, err := c.w.Write(b); err != nil {
		return fmt.Errorf("wire: write: %w", err)
	}
	return nil
}

// command parses m when it is a command and returns nothing otherwise.
func command(m Message) ([]any, error) {
	body := m.Body
	switch {
	case m.Type == typeCommandAMF3 && len(body) > 0:
		body = body[1:]
	case m.Type != typeCommand:
		return nil, nil
	}
	return parseAMF(body)
}

// statusOf returns the code of an onStatus command, "" for anything else, and an error when the status is one.
func statusOf(m Message) (string, error) {
	values, err := command(m)
	if err != nil || len(values) < 4 || values[0] != "onStatus" {
		return "", err
	}
	info, _ := values[3].(map[string]any)
	code, _ := info["code"].(string)
	if info["level"] == "error" {
		return code, fmt.Errorf("wire: the server refused: %s", code)
	}
	return code, nil
}
