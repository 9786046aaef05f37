package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// scanner walks over the boxes on the top level of a file. It reads ahead a little, since the box that matters and the head of
// the next are mostly small and lie together.
type scanner struct {
	r    io.ReaderAt
	size int64
	ahead
	seen  int   // boxes
	swept int64 // bytes that resync has looked through
}

// ahead is a window on the file.
type ahead struct {
	buf  [4096]byte
	from int64
	n    int
}

// head says where a box is.
type head struct {
	kind     [4]byte
	at       int64 // the box
	body     int64
	end      int64
	boundary bool // end is the file's, as the box says or since it is cut
}

// errEnd says that there are no more boxes.
var errEnd = errors.New("mp4: no more boxes")

// next returns the head of the box at an offset, or errEnd where there is none or what is there cannot be one. A box can be
// longer than the file: then it ends with it.
func (s *scanner) next(at int64) (h head, err error) {
	if s.seen++; s.seen > maxBoxes || at < 0 || at > s.size-8 {
		return h, errEnd
	}
	b, err := s.peek(at, int(min(16, s.size-at)))
	if err != nil {
		return h, err
	}
	h.at, h.body = at, at+8
	copy(h.kind[:], b[4:])
	size := uint64(binary.BigEndian.Uint32(b))
	switch {
	case h.kind == [4]byte{}: // zeros, such as a file has that had not reached the disk
		return h, errEnd
	case size == 0:
		size = uint64(s.size - at)
		h.boundary = true
	case size == 1 && len(b) < 16:
		return h, errEnd
	case size == 1:
		size, h.body = binary.BigEndian.Uint64(b[8:]), at+16
	}
	switch {
	case size < uint64(h.body-at):
		return h, errEnd
	case size > uint64(s.size-at):
		h.end, h.boundary = s.size, true
	default:
		h.end = at + int64(size)
	}
	return h, nil
}

// is reports whether a box is of a kind.
func (h *head) is(kind string) bool { return string(h.kind[:]) == kind }

// load returns the body of a box of at most limit bytes, valid until the next call. It uses buf if that is large enough.
func (s *scanner) load(h head, limit int64, buf []byte) ([]byte, error) {
	n := h.end - h.body
	switch {
	case n > limit:
		return nil, fmt.Errorf("%w: a %q of %d bytes", ErrMalformed, h.kind[:], n)
	case n <= int64(len(s.buf)):
		return s.peek(h.body, int(n))
	case n > int64(cap(buf)):
		buf = make([]byte, n)
	}
	if err := readFull(s.r, buf[:n], h.body); err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// peek returns n bytes at an offset, which are in the file.
func (s *scanner) peek(at int64, n int) ([]byte, error) {
	if i := at - s.from; i >= 0 && i+int64(n) <= int64(s.n) {
		return s.buf[i:][:n], nil
	}
	s.from, s.n = at, int(min(int64(len(s.buf)), s.size-at))
	if err := readFull(s.r, s.buf[:s.n], at); err != nil {
		s.n = 0
		return nil, err
	}
	return s.buf[:n], nil
}

// readFull fills b. A file that has become shorter than it was is io.ErrUnexpectedEOF.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("mp4: reading %d bytes at %d: %w", len(b), at, err)
}
