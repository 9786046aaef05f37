package media

import (
	"context"
	"sync"

	"github.com/sluice-media/sluice/media/internal/fanout"
)

// Reader is a cursor in a log, for who writes or keeps packets or chunks by itself. It begins at the newest
// key frame. It is for one goroutine at a time.
type Reader[T any] struct {
	read    func(ctx context.Context, dst []T) (int, error)
	skipped func() uint64
	close   func()
}

// ReadBatch waits for at least one item and fills dst with what is there. It returns io.EOF at the stream's
// end, and ctx.Err(). A reader that has fallen out of the log goes on at the newest key frame; Skipped counts
// what it lost.
func (r *Reader[T]) ReadBatch(ctx context.Context, dst []T) (int, error) { return r.read(ctx, dst) }

// Skipped returns how many items the reader lost by being slow.
func (r *Reader[T]) Skipped() uint64 { return r.skipped() }

// Close gives the reader up. It may be called more than once.
func (r *Reader[T]) Close() { r.close() }

// Read returns a reader of the stream's packets. It does not count as somebody who watches.
func (st *Stream) Read() *Reader[*Packet] {
	r := fanout.NewReader(st.packets, st.group)
	return &Reader[*Packet]{
		read: func(ctx context.Context, dst []*Packet) (int, error) {
			n, _, err := r.Read(ctx, dst)
			return n, err
		},
		skipped: r.Skipped,
		close:   sync.OnceFunc(r.Close),
	}
}

// ReadFormat returns a reader of the stream in a format. It does not count as somebody who watches.
func (st *Stream) ReadFormat(f *Format) *Reader[Chunk] {
	out := st.open(f)
	r := fanout.NewReader(out.log, out.group)
	c := &chunkReader{from: r}
	return &Reader[Chunk]{
		read: c.read, skipped: r.Skipped,
		close: sync.OnceFunc(func() {
			r.Close()
			out.release()
		}),
	}
}

// Read returns a reader of the stream's packets that ends with the player.
func (p *Player) Read() *Reader[*Packet] {
	r := p.stream.Read()
	p.onClose(r.Close)
	return r
}

// ReadFormat returns a reader of the stream in a format that ends with the player.
func (p *Player) ReadFormat(f *Format) *Reader[Chunk] {
	r := p.stream.ReadFormat(f)
	p.onClose(r.Close)
	return r
}

// chunkReader turns the items of a log into chunks.
type chunkReader struct {
	from  *fanout.Reader[fanout.Item]
	items []fanout.Item
	intro *fanout.Intro
}

func (c *chunkReader) read(ctx context.Context, dst []Chunk) (int, error) {
	if cap(c.items) < len(dst) {
		c.items = make([]fanout.Item, len(dst))
	}
	n, jumped, err := c.from.Read(ctx, c.items[:len(dst)])
	for i := range c.items[:n] {
		it := &c.items[i]
		dst[i] = Chunk{Key: it.Intro != nil, DTS: it.DTS, Data: it.Data()}
	}
	if jumped && n > 0 {
		dst[0].Header = c.header(c.items[0].Intro)
	}
	clear(c.items[:n])
	return n, err
}

// header returns what must go in front of an item at which the reader begins or goes on.
func (c *chunkReader) header(intro *fanout.Intro) []byte {
	before := c.intro
	c.intro = intro
	switch {
	case intro == nil || intro == before:
		return nil
	case before == nil:
		return intro.Header
	default:
		return intro.Change
	}
}
