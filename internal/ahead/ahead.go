// Package ahead reads connections with a buffer whose size can change, and waits for what comes without one.
package ahead

import (
	"bufio"
	"bytes"
	"io"
)

// Reader reads ahead. It is for one goroutine at a time.
type Reader struct {
	*bufio.Reader
	src *source
}

// source counts what comes from a connection, and gives back first what was read ahead.
type source struct {
	r     io.Reader
	ahead []byte
	room  []byte // for Wait
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

// NewReader returns a reader of r that reads ahead up to size bytes, and tells seen of every byte that came,
// if it is not nil.
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

// Wait waits until there is something to read. It does so without a deep stack, for goroutines that do little
// else: there are as many as players.
func (r *Reader) Wait() error {
	if r.Buffered() > 0 || len(r.src.ahead) > 0 {
		return nil
	}
	if cap(r.src.room) == 0 {
		r.src.room = make([]byte, 64)
	}
	size := r.Size()
	r.Reader = nil // there is nothing in it, and it may be a long time
	n, err := r.src.read(r.src.room)
	r.src.ahead = r.src.room[:n]
	r.Reader = bufio.NewReaderSize(r.src, size)
	return err
}
