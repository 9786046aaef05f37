package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	flvHeaderSize = 9
	flvTagHeader  = 11
)

// FLV reads an FLV byte stream tag by tag, FLV 10.1 annex E.
type FLV struct {
	r      *bufio.Reader
	opened bool
	body   []byte
}

var _ Source = (*FLV)(nil)

// NewFLV returns a Source that parses r from its FLV file header on.
func NewFLV(r io.Reader) *FLV { return &FLV{r: bufio.NewReaderSize(r, 32<<10)} }

// Next returns the next tag.
func (f *FLV) Next() (Message, error) {
	if !f.opened {
		if err := f.header(); err != nil {
			return Message{}, err
		}
		f.opened = true
	}
	var h [flvTagHeader]byte
	if err := f.full(h[:]); err != nil {
		return Message{}, err
	}
	m := Message{Type: h[0] & 0x1F, Time: uint24(h[4:7]) | uint32(h[7])<<24}
	if err := checkTag(h, m.Type); err != nil {
		return Message{}, err
	}
	return f.tagBody(m, int(uint24(h[1:4])))
}

func checkTag(h [flvTagHeader]byte, kind uint8) error {
	if h[0]>>5 != 0 {
		return malformed("FLV tag with filter or reserved bits %#x", h[0])
	}
	if kind != TypeAudio && kind != TypeVideo && kind != TypeScript {
		return malformed("FLV tag type %d", kind)
	}
	if uint24(h[8:11]) != 0 {
		return malformed("FLV stream id %d", uint24(h[8:11]))
	}
	return nil
}

// tagBody reads a tag's data and the tag size behind it.
func (f *FLV) tagBody(m Message, n int) (Message, error) {
	if cap(f.body) < n+4 {
		f.body = make([]byte, n+4)
	}
	b := f.body[:n+4]
	if err := f.full(b); err != nil {
		return Message{}, err
	}
	if size := binary.BigEndian.Uint32(b[n:]); int(size) != n+flvTagHeader {
		return Message{}, malformed("FLV tag of %d bytes is followed by tag size %d", n+flvTagHeader, size)
	}
	m.Body = b[:n]
	return m, nil
}

func (f *FLV) header() error {
	var h [flvHeaderSize + 4]byte
	if err := f.full(h[:]); err != nil {
		return err
	}
	if string(h[:4]) != "FLV\x01" {
		return malformed("FLV header begins with %q", h[:4])
	}
	if binary.BigEndian.Uint32(h[5:]) != flvHeaderSize || binary.BigEndian.Uint32(h[9:]) != 0 {
		return malformed("FLV header %x", h[:])
	}
	return nil
}

func (f *FLV) full(b []byte) error {
	if _, err := io.ReadFull(f.r, b); err != nil {
		return fmt.Errorf("wire: read: %w", err)
	}
	return nil
}
