// Package ahead reads connections with a buffer whose size can change, and waits for what comes without one.
package ahead

import (
	"bufio"
	"bytes"
	"io"
)

// Reader reads ahead. It is for one goroutine at a time.
type Reader struct {
	*bufio.Reader // nil while the reader rests
	src           *source
	size          int // of what it had before it rested
}

// source counts what comes from a connection, and gives back first what was read ahead.
type source struct {
	r     io.Reader
	ahead []byte
	count uint64
	seen  func(n int)
}

func (s *source) Read(b []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(b, s.ahead)
		s.ahead = s.ahead[n:]
		return n, nil
	}
	return s.read(b)
}

func (s *source) read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.count += uint64(n)
	if s.seen != nil {
		s.seen(n)
	}
	return n, err
}

// holds reports whether r, which may decode what comes from a connection, has something that is no more in there.
func (s *source) holds() bool {
	r, ok := s.r.(interface{ Buffered() int })
	return ok && r.Buffered() > 0
}

// NewReader returns a reader of r that reads ahead up to size bytes, and tells seen of every byte that came,
// if it is not nil. If r holds bytes back, as one that decodes does, it has a method Buffered that says how many.
func NewReader(r io.Reader, size int, seen func(n int)) *Reader {
	src := &source{r: r, seen: seen}
	return &Reader{Reader: bufio.NewReaderSize(src, size), src: src}
}

// Count returns how many bytes have come.
func (r *Reader) Count() uint64 { return r.src.count }

// Resize changes how much is read ahead: a peer that sends much saves system calls, one that sends little
// memory.
func (r *Reader) Resize(size int) {
	ahead, _ := r.Peek(r.Buffered())
	r.src.ahead = append(bytes.Clone(ahead), r.src.ahead...)
	r.Reader = bufio.NewReaderSize(r.src, size)
}

// Stream resizes for a peer that sends media: where the system has a way, it is read from now on without telling the Go
// scheduler of each read.
func (r *Reader) Stream(size int) {
	r.src.r = quietly(r.src.r)
	r.Resize(size)
}

// Rest lets go of the buffer until Wait, which has to be called before anything else: it may be a long time. It reports
// false, and does nothing, if there is something to read already.
func (r *Reader) Rest() bool {
	if r.Buffered() > 0 || len(r.src.ahead) > 0 || r.src.holds() {
		return false
	}
	r.size = r.Size()
	r.Reader, r.src.ahead = nil, nil
	return true
}

// firstBytes is how much is read at once of what ends a wait.
const firstBytes = 64

// Wait waits until there is something to read. It does so without a deep stack and without a buffer, for goroutines that do
// little else.
func (r *Reader) Wait() error {
	if r.Reader != nil && !r.Rest() {
		return nil
	}
	room := make([]byte, firstBytes)
	n, err := r.src.read(room)
	r.src.ahead = room[:n]
	r.Reader = bufio.NewReaderSize(r.src, r.size)
	return err
}
