package chunk

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/sluice-media/sluice/internal/ahead"
)

const (
	readBuffer = 1 << 10
	extended   = 0xffffff
)

// Reader puts messages together. It is for one goroutine at a time.
type Reader struct {
	buf     *ahead.Reader
	size    int // of the peer's chunks
	streams []*stream
	limits  Limits
	held    int // bytes taken for incomplete messages
	window  uint32
	acked   uint64
}

// stream is what is remembered of a chunk stream.
type stream struct {
	id       int
	head     Message
	length   int
	extended bool
	stamp    uint32 // the time stamp, or the step, as sent last
	body     []byte // nil between messages
}

// NewReader returns a reader of r that tells seen of every byte, if it is not nil. Its limits are those of a peer that
// sends media.
func NewReader(r io.Reader, seen func(n int)) *Reader {
	return &Reader{buf: ahead.NewReader(r, readBuffer, seen), size: 128, limits: Full()}
}

// Limit changes the limits, from the next chunk on.
func (r *Reader) Limit(l Limits) { r.limits = l }

// Resize changes how much is read ahead.
func (r *Reader) Resize(n int) { r.buf.Resize(n) }

// Stream resizes for a peer that sends media.
func (r *Reader) Stream(n int) { r.buf.Stream(n) }

// Rest holds as little as it can until Wait, unless there is something to read already.
func (r *Reader) Rest() bool { return r.buf.Rest() }

// Wait waits until there is something to read, without a deep stack.
func (r *Reader) Wait() error { return r.buf.Wait() }

// While calls fn with a context that ends when the peer of conn, which is read, goes away.
func (r *Reader) While(conn net.Conn, fn func(context.Context) error) error {
	return r.buf.While(conn, fn)
}

// AckDue reports whether the peer wants to know how many bytes have come, and how many it is.
func (r *Reader) AckDue() (count uint32, due bool) {
	if r.window == 0 || r.buf.Count()-r.acked < uint64(r.window) {
		return 0, false
	}
	r.acked = r.buf.Count()
	return uint32(r.buf.Count()), true
}

// Next returns the next message. Those of the chunk stream itself it has obeyed already.
func (r *Reader) Next() (Message, error) {
	for {
		m, err := r.chunk()
		if err != nil {
			return Message{}, err
		}
		if m == nil {
			continue
		}
		if err := r.obey(m); err != nil {
			return Message{}, err
		}
		return *m, nil
	}
}

// obey follows a message that speaks of the chunk stream.
func (r *Reader) obey(m *Message) error {
	switch m.Type {
	case TypeSetChunkSize, TypeAbort, TypeWindowAckSize:
	default:
		return nil
	}
	if len(m.Body) < 4 {
		return fmt.Errorf("%w: message of type %d with %d bytes", ErrProtocol, m.Type, len(m.Body))
	}
	v := binary.BigEndian.Uint32(m.Body)
	switch m.Type {
	case TypeSetChunkSize:
		if v &= 0x7fffffff; v == 0 {
			return fmt.Errorf("%w: chunk size 0", ErrProtocol)
		}
		// No chunk is longer than a message, so that a larger size changes nothing.
		r.size = int(min(v, MaxMessage))
	case TypeAbort:
		if s := r.find(int(v)); s != nil {
			r.drop(s)
		}
	case TypeWindowAckSize:
		r.window = v
	}
	return nil
}

// chunk reads one chunk, and returns the message it completes.
func (r *Reader) chunk() (*Message, error) {
	format, id, err := r.basicHeader()
	if err != nil {
		return nil, err
	}
	s, err := r.stream(id, format)
	if err != nil {
		return nil, err
	}
	if err := r.messageHeader(s, format); err != nil {
		return nil, err
	}
	if s.body == nil {
		if err := r.begin(s, format); err != nil {
			return nil, err
		}
	}
	if err := r.payload(s); err != nil {
		return nil, err
	}
	if len(s.body) < s.length {
		return nil, nil
	}
	m := s.head
	m.Body = s.body
	r.drop(s)
	return &m, nil
}

// basicHeader reads the format and the chunk stream id, section 5.3.1.1.
func (r *Reader) basicHeader() (format byte, id int, err error) {
	b, err := r.buf.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	format, id = b>>6, int(b&0x3f)
	if id > 1 {
		return format, id, nil
	}
	more, err := r.take(id + 1)
	if err != nil {
		return 0, 0, err
	}
	if id == 0 {
		return format, 64 + int(more[0]), nil
	}
	return format, 64 + int(more[0]) + 256*int(more[1]), nil
}

// find returns a chunk stream that has been used. There are few, so that looking through them is fastest.
func (r *Reader) find(id int) *stream {
	for _, s := range r.streams {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (r *Reader) stream(id int, format byte) (*stream, error) {
	if s := r.find(id); s != nil {
		return s, nil
	}
	if format > 1 { // format 1 is what some encoders begin with
		return nil, fmt.Errorf("%w: chunk stream %d begins with a chunk of format %d", ErrProtocol, id, format)
	}
	if len(r.streams) == MaxStreams {
		return nil, fmt.Errorf("%w: more than %d chunk streams", ErrProtocol, MaxStreams)
	}
	s := &stream{id: id}
	r.streams = append(r.streams, s)
	return s, nil
}

// messageHeader reads what a chunk of a format says of its message, sections 5.3.1.2 and 5.3.1.3.
func (r *Reader) messageHeader(s *stream, format byte) error {
	if format == 3 {
		return r.repeatedStamp(s)
	}
	b, err := r.take([...]int{11, 7, 3}[format])
	if err != nil {
		return err
	}
	stamp := uint24(b)
	if format < 2 {
		if err := r.setLength(s, uint24(b[3:])); err != nil {
			return err
		}
		s.head.Type = b[6]
	}
	if format == 0 {
		s.head.StreamID = binary.LittleEndian.Uint32(b[7:])
	}
	s.extended = stamp == extended
	if s.extended {
		b, err := r.take(4)
		if err != nil {
			return err
		}
		stamp = binary.BigEndian.Uint32(b)
	}
	s.stamp = stamp
	return nil
}

// setLength takes the length of a message. One that is under way cannot change its own.
func (r *Reader) setLength(s *stream, n uint32) error {
	if s.body != nil && int(n) != s.length {
		return fmt.Errorf("%w: a message changes its length from %d to %d", ErrProtocol, s.length, n)
	}
	s.length = int(n)
	return nil
}

// repeatedStamp takes the extended time stamp that chunks of format 3 repeat. Not all peers send it, so it
// is taken only if it is the same. It is looked at byte by byte: the last chunk of a peer that leaves it out
// may be shorter than it, and nothing more to come.
func (r *Reader) repeatedStamp(s *stream) error {
	if !s.extended {
		return nil
	}
	var stamp [4]byte
	binary.BigEndian.PutUint32(stamp[:], s.stamp)
	for n := 1; n <= len(stamp); n++ {
		b, err := r.buf.Peek(n)
		if err != nil {
			return err
		}
		if b[n-1] != stamp[n-1] {
			return nil
		}
	}
	_, err := r.buf.Discard(len(stamp))
	return err
}

// begin starts a message: its time stamp is absolute in format 0, else a step from the one before. Format 3
// repeats the step, which after format 0 is the absolute time stamp (section 5.3.1.2.4): encoders whose frames
// are all of one size save a header that way.
func (r *Reader) begin(s *stream, format byte) error {
	if s.length > r.limits.Message {
		return fmt.Errorf("%w: a message of %d bytes", ErrProtocol, s.length)
	}
	if format == 0 {
		s.head.Timestamp = s.stamp
	} else {
		s.head.Timestamp += s.stamp
	}
	return r.grow(s, min(s.length, r.limits.First))
}

// grow gives a message room for so many bytes.
func (r *Reader) grow(s *stream, size int) error {
	if r.held-cap(s.body)+size > r.limits.Partial {
		return fmt.Errorf("%w: incomplete messages take more than %d bytes", ErrProtocol, r.limits.Partial)
	}
	r.held += size - cap(s.body)
	s.body = append(make([]byte, 0, size), s.body...)
	return nil
}

// drop lets go of a message.
func (r *Reader) drop(s *stream) {
	r.held -= cap(s.body)
	s.body = nil
}

// payload reads the bytes of one chunk.
func (r *Reader) payload(s *stream) error {
	for n := min(s.length-len(s.body), r.size); n > 0; {
		if len(s.body) == cap(s.body) {
			if err := r.grow(s, min(s.length, 2*cap(s.body))); err != nil {
				return err
			}
		}
		step := min(n, cap(s.body)-len(s.body))
		got, err := io.ReadFull(r.buf, s.body[len(s.body):len(s.body)+step])
		s.body = s.body[:len(s.body)+got]
		if err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// take reads n bytes, which are valid until the next read.
func (r *Reader) take(n int) ([]byte, error) {
	b, err := r.buf.Peek(n)
	if err != nil {
		return nil, err
	}
	_, err = r.buf.Discard(n)
	return b, err
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
