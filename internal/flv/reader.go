package flv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"
)

const firstBody = 64 << 10

// Reader reads the tags of an FLV file or stream. A tag has at most 16 MiB, by its format; memory is taken
// only for what has arrived.
type Reader struct {
	r      *bufio.Reader
	opened bool
}

// NewReader returns a reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReader(r)} }

// Next returns the next tag. The body belongs to the caller. It returns io.EOF after the last whole tag, and
// io.ErrUnexpectedEOF if the file ends within one.
func (r *Reader) Next() (typ byte, stamp time.Duration, body []byte, err error) {
	if !r.opened {
		if err := r.open(); err != nil {
			return 0, 0, nil, err
		}
		r.opened = true
	}
	var h [tagHeader]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return 0, 0, nil, err
	}
	size := int(h[1])<<16 | int(h[2])<<8 | int(h[3])
	body, err = r.body(size)
	if err != nil {
		return 0, 0, nil, err
	}
	// The size behind the last tag is missing in some files.
	if _, err := r.r.Discard(4); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, nil, err
	}
	ms := uint32(h[4])<<16 | uint32(h[5])<<8 | uint32(h[6]) | uint32(h[7])<<24
	return h[0] & 0x1f, time.Duration(ms) * time.Millisecond, body, nil
}

// open reads the file header.
func (r *Reader) open() error {
	var h [9]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return err
	}
	if string(h[:3]) != "FLV" {
		return fmt.Errorf("%w: no FLV header", ErrBadTag)
	}
	offset := int64(h[5])<<24 | int64(h[6])<<16 | int64(h[7])<<8 | int64(h[8])
	if offset < 9 || offset > 1<<16 {
		return fmt.Errorf("%w: a header of %d bytes", ErrBadTag, offset)
	}
	_, err := r.r.Discard(int(offset) - 9 + 4)
	return err
}

func (r *Reader) body(size int) ([]byte, error) {
	b := make([]byte, 0, min(size, firstBody))
	for len(b) < size {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(size, 2*cap(b))), b...)
		}
		n, err := io.ReadFull(r.r, b[len(b):min(size, cap(b))])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}
