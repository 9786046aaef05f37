package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	defaultChunkSize = 128
	maxChunkSize     = maxBody
	maxChunkStreams  = 64
	extendedTime     = 0xFFFFFF
)

// chunkReader joins RTMP chunks to messages, RTMP 1.0 section 5.3.
type chunkReader struct {
	r       *bufio.Reader
	read    uint64 // bytes taken so far, for acknowledgements
	size    int
	streams map[uint32]*chunkStream
}

// chunkStream remembers what the next chunk of its id may leave out.
type chunkStream struct {
	time, delta uint32
	length      int
	kind        uint8
	extended    bool
	started     bool
	body        []byte // what has come of the current message
	midway      bool
}

func newChunkReader(r io.Reader) *chunkReader {
	return &chunkReader{r: bufio.NewReaderSize(r, 32<<10), size: defaultChunkSize, streams: map[uint32]*chunkStream{}}
}

// next returns the next complete message of any type. Its body is valid until the next call.
func (c *chunkReader) next() (Message, error) {
	for {
		s, err := c.chunk()
		if err != nil {
			return Message{}, err
		}
		if len(s.body) == s.length {
			s.midway = false
			return Message{Type: s.kind, Time: s.time, Body: s.body}, nil
		}
	}
}

// chunk reads one chunk and returns the chunk stream it belongs to.
func (c *chunkReader) chunk() (*chunkStream, error) {
	format, id, err := c.basicHeader()
	if err != nil {
		return nil, err
	}
	s, err := c.stream(id, format)
	if err != nil {
		return nil, err
	}
	if err := c.messageHeader(s, format); err != nil {
		return nil, err
	}
	n := min(c.size, s.length-len(s.body))
	old := len(s.body)
	s.body = append(s.body, make([]byte, n)...)
	return s, c.full(s.body[old:])
}

// stream finds the state of a chunk stream; the first chunk of each must carry a full header.
func (c *chunkReader) stream(id uint32, format uint8) (*chunkStream, error) {
	s := c.streams[id]
	if s == nil {
		if len(c.streams) == maxChunkStreams {
			return nil, malformed("more than %d chunk streams", maxChunkStreams)
		}
		s = &chunkStream{}
		c.streams[id] = s
	}
	if !s.started && format != 0 {
		return nil, malformed("chunk stream %d begins with a header of type %d", id, format)
	}
	if s.midway && format != 3 {
		return nil, malformed("chunk stream %d: a new message before the last was complete", id)
	}
	return s, nil
}

// basicHeader reads the format and the chunk stream id, section 5.3.1.1.
func (c *chunkReader) basicHeader() (format uint8, id uint32, err error) {
	var b [2]byte
	if err := c.full(b[:1]); err != nil {
		return 0, 0, err
	}
	format, id = b[0]>>6, uint32(b[0]&0x3F)
	switch id {
	case 0:
		err = c.full(b[:1])
		id = uint32(b[0]) + 64
	case 1:
		err = c.full(b[:2])
		id = uint32(b[1])<<8 + uint32(b[0]) + 64
	}
	return format, id, err
}

// messageHeader reads the message header and the extended timestamp, sections 5.3.1.2 and 5.3.1.3.
func (c *chunkReader) messageHeader(s *chunkStream, format uint8) error {
	var h [11]byte
	n := [4]int{11, 7, 3, 0}[format]
	if err := c.full(h[:n]); err != nil {
		return err
	}
	stamp := uint24(h[:3])
	if n > 0 {
		s.extended = stamp == extendedTime
	}
	if n >= 7 {
		s.length, s.kind = int(uint24(h[3:6])), h[6]
	}
	if s.length > maxBody {
		return malformed("message of %d bytes", s.length)
	}
	if s.extended {
		if err := c.full(h[:4]); err != nil {
			return err
		}
		stamp = binary.BigEndian.Uint32(h[:4])
	}
	s.begin(format, stamp)
	return nil
}

// begin applies a header's timestamp when it opens a message; a chunk that continues one changes nothing.
func (s *chunkStream) begin(format uint8, stamp uint32) {
	if s.midway {
		return
	}
	switch format {
	case 0:
		s.time, s.delta = stamp, stamp
	case 1, 2:
		s.delta = stamp
		s.time += stamp
	case 3:
		s.time += s.delta
	}
	s.started, s.midway = true, true
	s.body = s.body[:0]
}

// setSize follows a Set Chunk Size message, section 5.4.1.
func (c *chunkReader) setSize(body []byte) error {
	if len(body) < 4 {
		return malformed("set chunk size of %d bytes", len(body))
	}
	n := binary.BigEndian.Uint32(body)
	if n == 0 || n > maxChunkSize {
		return malformed("chunk size %d", n)
	}
	c.size = int(n)
	return nil
}

// abort follows an Abort message, section 5.4.2.
func (c *chunkReader) abort(body []byte) error {
	if len(body) < 4 {
		return malformed("abort of %d bytes", len(body))
	}
	if s := c.streams[binary.BigEndian.Uint32(body)]; s != nil {
		s.midway, s.body = false, s.body[:0]
	}
	return nil
}

func (c *chunkReader) full(b []byte) error {
	n, err := io.ReadFull(c.r, b)
	c.read += uint64(n)
	if err != nil {
		return fmt.Errorf("wire: read: %w", err)
	}
	return nil
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

// appendMessage appends one message in chunks of the default size, with a type-0 header.
func appendMessage(b []byte, id, kind uint8, stream uint32, body []byte) []byte {
	b = append(b, id, 0, 0, 0, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)), kind)
	b = binary.LittleEndian.AppendUint32(b, stream)
	for len(body) > defaultChunkSize {
		b = append(append(b, body[:defaultChunkSize]...), 0xC0|id)
		body = body[defaultChunkSize:]
	}
	return append(b, body...)
}
