package mp4

import (
	"io"
	"sort"
)

// Content is a file that is made of others as it is read: bytes in memory, and behind them parts of the others. It does not
// change, and any number of goroutines read it at the same time.
type Content struct {
	front []byte
	parts []part
	size  int64
}

// part is bytes that lie one behind the other in a file.
type part struct {
	src  io.ReaderAt
	from int64 // in the file
	at   int64 // in the content
}

// Size returns how many bytes there are.
func (c *Content) Size() int64 { return c.size }

// ReadAt implements [io.ReaderAt]. Of a file that has become shorter it returns [io.ErrUnexpectedEOF].
func (c *Content) ReadAt(b []byte, at int64) (n int, err error) {
	if at < int64(len(c.front)) && at >= 0 {
		n = copy(b, c.front[at:])
	}
	for n < len(b) {
		src, from, left := c.find(at + int64(n))
		if left <= 0 {
			return n, io.EOF
		}
		want := b[n:]
		want = want[:min(int64(len(want)), left)]
		if err := readFull(src, want, from); err != nil {
			return n, err
		}
		n += len(want)
	}
	return n, nil
}

// find returns where a byte behind the front is, and how many follow it there.
func (c *Content) find(at int64) (src io.ReaderAt, from, left int64) {
	i := sort.Search(len(c.parts), func(i int) bool { return c.parts[i].at > at }) - 1
	if i < 0 || at >= c.size {
		return nil, 0, 0
	}
	end := c.size
	if i+1 < len(c.parts) {
		end = c.parts[i+1].at
	}
	p := &c.parts[i]
	return p.src, p.from + at - p.at, end - at
}

// add appends a part of a file.
func (c *Content) add(src io.ReaderAt, from, length int64) {
	if length <= 0 {
		return
	}
	if n := len(c.parts); n > 0 {
		if last := &c.parts[n-1]; last.src == src && last.from+c.size-last.at == from {
			c.size += length
			return
		}
	}
	c.parts = append(c.parts, part{src, from, c.size})
	c.size += length
}
