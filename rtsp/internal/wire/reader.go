package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/internal/ahead"
	"github.com/sluice-media/sluice/internal/redact"
)

// Frame is an interleaved frame (RFC 2326, 10.12).
type Frame struct {
	Channel byte
	Payload []byte // valid until the next call of the reader
}

// Request is a request (RFC 2326, 6), also of HTTP.
type Request struct {
	Method string
	URL    string
	Proto  string // RTSP/1.0, HTTP/1.1 …
	Header Header
	Body   []byte
}

// Message is a request, a response, or else a frame.
type Message struct {
	Request  *Request
	Response *Response
	Frame    Frame
}

// Reader reads messages. It is for one goroutine at a time.
type Reader struct {
	buf     *ahead.Reader
	payload []byte
}

// NewReader returns a reader of r that reads ahead up to size bytes, and tells seen of every byte that came,
// if it is not nil.
func NewReader(r io.Reader, size int, seen func(n int)) *Reader {
	return &Reader{buf: ahead.NewReader(r, size, seen)}
}

// Resize changes how much is read ahead.
func (r *Reader) Resize(size int) { r.buf.Resize(size) }

// Stream resizes for a peer that sends media.
func (r *Reader) Stream(size int) { r.buf.Stream(size) }

// Idle holds as little as it can until Wait, unless there is something to read already.
func (r *Reader) Idle() bool {
	r.payload = nil
	return r.buf.Rest()
}

// Wait waits until there is something to read, without a deep stack.
func (r *Reader) Wait() error { return r.buf.Wait() }

// While calls fn with a context that ends when the peer of conn, which is read, goes away.
func (r *Reader) While(conn net.Conn, fn func(context.Context) error) error {
	return r.buf.While(conn, fn)
}

// Rest returns a reader of what follows, read ahead or not.
func (r *Reader) Rest() io.Reader { return r.buf }

// Next returns the next message.
func (r *Reader) Next() (Message, error) {
	for passed := 0; passed < maxGarbage; passed++ {
		b, err := r.buf.Peek(1)
		if err != nil {
			return Message{}, err
		}
		switch {
		case b[0] == '$':
			f, err := r.frame()
			return Message{Frame: f}, err
		case b[0] >= 'A' && b[0] <= 'Z' || b[0] >= 'a' && b[0] <= 'z':
			return r.text()
		}
		// Padding between messages, or a frame whose length was wrong.
		if _, err := r.buf.Discard(1); err != nil {
			return Message{}, err
		}
	}
	return Message{}, fmt.Errorf("%w: no message in %d bytes", ErrMalformed, maxGarbage)
}

func (r *Reader) frame() (Frame, error) {
	head, err := r.buf.Peek(4)
	if err != nil {
		return Frame{}, eof(err)
	}
	channel, size := head[1], int(head[2])<<8|int(head[3])
	if 4+size <= r.buf.Size() { // most are smaller than what is read ahead
		b, err := r.buf.Peek(4 + size)
		if err != nil {
			return Frame{}, eof(err)
		}
		_, err = r.buf.Discard(4 + size) // what was peeked stays until the next read
		return Frame{channel, b[4:]}, err
	}
	if cap(r.payload) < size {
		r.payload = make([]byte, size)
	}
	if _, err := r.buf.Discard(4); err != nil {
		return Frame{}, err
	}
	_, err = io.ReadFull(r.buf, r.payload[:size])
	return Frame{channel, r.payload[:size]}, eof(err)
}

// text reads a request or a response.
func (r *Reader) text() (m Message, err error) {
	left := MaxHeader
	line, err := r.line(&left)
	if err != nil {
		return m, err
	}
	if m, err = firstLine(line); err != nil {
		return m, err
	}
	h, err := r.header(&left)
	if err != nil {
		return Message{}, err
	}
	var body []byte
	// The body of a tunnel's POST is what it carries.
	if m.Request == nil || m.Request.Method != "POST" || !strings.HasPrefix(m.Request.Proto, "HTTP/") {
		if body, err = r.body(h); err != nil {
			return Message{}, err
		}
	}
	if m.Request != nil {
		m.Request.Header, m.Request.Body = h, body
	} else {
		m.Response.Header, m.Response.Body = h, body
	}
	return m, nil
}

// firstLine takes apart a request line or a status line.
func firstLine(line string) (m Message, err error) {
	fields := strings.Fields(line)
	if strings.HasPrefix(line, "RTSP/") || strings.HasPrefix(line, "HTTP/") {
		res := &Response{}
		if len(fields) < 2 {
			return m, fmt.Errorf("%w: status line %.60q", ErrMalformed, line)
		}
		if res.Code, err = strconv.Atoi(fields[1]); err != nil || res.Code < 100 || res.Code > 999 {
			return m, fmt.Errorf("%w: status line %.60q", ErrMalformed, line)
		}
		res.Reason = strings.Join(fields[2:], " ")
		return Message{Response: res}, nil
	}
	if len(fields) != 3 || !strings.Contains(fields[2], "/") {
		return m, fmt.Errorf("%w: request line %.60q", ErrMalformed, redact.URL(line))
	}
	return Message{Request: &Request{Method: fields[0], URL: fields[1], Proto: fields[2]}}, nil
}

func (r *Reader) header(left *int) (Header, error) {
	var h Header
	for {
		line, err := r.line(left)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return h, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%w: a header line without a colon", ErrMalformed) // it may hold a secret
		}
		if len(h) == MaxFields {
			return nil, fmt.Errorf("%w: more than %d header lines", ErrTooBig, MaxFields)
		}
		h = append(h, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
}

func (r *Reader) body(h Header) ([]byte, error) {
	if !h.Has("Content-Length") {
		return nil, nil
	}
	n, err := strconv.ParseUint(h.Get("Content-Length"), 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%w: Content-Length %.20q", ErrMalformed, h.Get("Content-Length"))
	}
	if n > MaxBody {
		return nil, fmt.Errorf("%w: a body of %d bytes", ErrTooBig, n)
	}
	r.payload = nil // of a frame: nothing needs it any more
	b := make([]byte, n)
	_, err = io.ReadFull(r.buf, b)
	return b, eof(err)
}

// line reads a line without its end, of at most left bytes.
func (r *Reader) line(left *int) (string, error) {
	var long []byte
	for {
		part, err := r.buf.ReadSlice('\n')
		*left -= len(part)
		if *left < 0 {
			return "", fmt.Errorf("%w: a header of more than %d bytes", ErrTooBig, MaxHeader)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			continue
		}
		if err != nil {
			return "", eof(err)
		}
		if long != nil {
			part = append(long, part...)
		}
		return string(bytes.TrimRight(part, "\r\n")), nil
	}
}

// eof says that the connection ended within a message.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
