package mp4

import (
	"context"
	"fmt"
	"io"
)

// FinishOptions are those of [Finish]. The zero value is right.
type FinishOptions struct {
	// Extra are whole boxes that go into moov/udta, behind those which the file has there.
	Extra []byte
	// Pace is called with the number of bytes that have just been written, at most 256 KiB. It may wait, to leave the disk to
	// others. An error ends Finish and is wrapped.
	Pace func(ctx context.Context, n int) error
}

// Finish makes an ordinary file of a fragmented one: ftyp, moov with complete tables, and one mdat with the same media in the
// same order, a chunk for what a fragment has of a track. It begins to be played when the first sample does. A last fragment
// that is cut is left out, and so are tracks that cannot be read. What it needs of memory is the two indexes and 256 KiB.
//
// An ordinary file is ErrNotFragmented, one without a whole fragment ErrEmpty; then nothing has been written. Errors of src, dst
// and ctx are wrapped.
func Finish(ctx context.Context, src io.ReaderAt, size int64, dst io.Writer, opts FinishOptions) error {
	src = &watched{src, ctx}
	f, m, err := open(src, size)
	switch {
	case err != nil:
		return err
	case !f.fragmented:
		return ErrNotFragmented
	case m.tracks[0].table.samples == 0:
		return ErrEmpty
	}
	p := newPlan(m, opts.Extra)
	c := &copier{src: src, dst: dst, buf: make([]byte, 0, copySize)}
	if c.pace = func(int) error { return nil }; opts.Pace != nil {
		c.pace = func(n int) error { return opts.Pace(ctx, n) }
	}
	if err := c.write(p.front()); err != nil {
		return err
	}
	for s := range p.stretches() {
		if err := c.copy(s.at, s.length); err != nil {
			return err
		}
	}
	return c.flush()
}

// front returns what is before the media: ftyp, moov and the head of mdat.
func (p *plan) front() []byte {
	w := &writer{}
	w.box("ftyp", func() {
		w.b = append(w.b, "isom"...)
		w.u32(0x200)
		w.b = append(w.b, "isomiso2iso4mp41"...)
	})
	p.place(int64(len(w.b)+len(p.moov())) + p.headSize())
	w.raw(p.moov())
	if p.headSize() == 16 {
		w.u32(1)
		w.b = append(w.b, "mdat"...)
		w.u64(uint64(p.bytes + 16))
	} else {
		w.u32(uint32(p.bytes + 8))
		w.b = append(w.b, "mdat"...)
	}
	return w.b
}

// copySize is how much is written at once.
const copySize = 256 << 10

// watched is a file that ends with a context. So does what reads it: Finish reads before each write.
type watched struct {
	io.ReaderAt
	ctx context.Context
}

// ReadAt implements [io.ReaderAt].
func (w *watched) ReadAt(b []byte, at int64) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.ReaderAt.ReadAt(b, at)
}

// copier writes in large pieces what it reads in small ones.
type copier struct {
	src  io.ReaderAt
	dst  io.Writer
	pace func(n int) error
	buf  []byte
}

// write writes bytes that are in memory.
func (c *copier) write(b []byte) error {
	for len(b) > 0 {
		n := copy(c.room(), b)
		b = b[n:]
		if err := c.grow(n); err != nil {
			return err
		}
	}
	return nil
}

// copy writes a part of the source.
func (c *copier) copy(at, length int64) error {
	for length > 0 {
		room := c.room()
		room = room[:min(int64(len(room)), length)]
		if err := readFull(c.src, room, at); err != nil {
			return err
		}
		at, length = at+int64(len(room)), length-int64(len(room))
		if err := c.grow(len(room)); err != nil {
			return err
		}
	}
	return nil
}

// room is what is free of the buffer. It is never empty.
func (c *copier) room() []byte { return c.buf[len(c.buf):cap(c.buf)] }

// grow takes n bytes that have been put there.
func (c *copier) grow(n int) error {
	c.buf = c.buf[:len(c.buf)+n]
	if len(c.buf) < cap(c.buf) {
		return nil
	}
	return c.flush()
}

// flush writes the buffer.
func (c *copier) flush() error {
	n, err := c.dst.Write(c.buf)
	if err == nil && n < len(c.buf) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = c.pace(n)
	}
	if err != nil {
		return fmt.Errorf("mp4: %w", err)
	}
	c.buf = c.buf[:0]
	return nil
}
