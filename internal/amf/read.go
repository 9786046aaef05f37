package amf

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// reader takes bytes from the front of a message and counts values.
type reader struct {
	b     []byte
	nodes int
}

func (r *reader) node(depth int) error {
	r.nodes++
	if r.nodes > MaxNodes {
		return fmt.Errorf("%w: more than %d values", ErrInvalid, MaxNodes)
	}
	if depth > MaxDepth {
		return fmt.Errorf("%w: deeper than %d", ErrInvalid, MaxDepth)
	}
	return nil
}

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, fmt.Errorf("%w: ends early", ErrInvalid)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *reader) uint8() (byte, error) {
	b, err := r.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r *reader) uint16() (int, error) {
	b, err := r.take(2)
	if err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint16(b)), nil
}

// uint32 reads a count. One that an int of 32 bits cannot hold is more than any message has: it stays as large as can be.
func (r *reader) uint32() (int, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return int(min(binary.BigEndian.Uint32(b), math.MaxInt32)), nil
}

func (r *reader) double() (float64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// date reads the milliseconds of a date. What is no point in time that ECMAScript has becomes the zero time.
func (r *reader) date() (any, error) {
	const farthest = 8.64e15
	ms, err := r.double()
	if err != nil {
		return nil, err
	}
	if math.IsNaN(ms) || math.Abs(ms) > farthest {
		return Date{}, nil
	}
	return Date{time.UnixMilli(int64(ms))}, nil
}

func (r *reader) text(n int) (string, error) {
	b, err := r.take(n)
	return string(b), err
}
