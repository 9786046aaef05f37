package media

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media/internal/fanout"
)

// Reader is a cursor in a log, for who writes or keeps packets or chunks by itself. It begins at the newest
// key frame. It is for one goroutine at a time, but for Close.
type Reader[T any] struct {
	read    func(ctx context.Context, dst []T) (int, error)
	skipped func() uint64
	close   func()
	player  *Player // whose reader it is, if it is one's
}

// ReadBatch waits for at least one item and fills dst with what is there. It returns io.EOF at the stream's
// end, ErrReaderClosed after Close of the reader or of its player, the cause if that player was kicked, and
// ctx.Err(). A reader that has fallen out of the log goes on at the newest key frame; Skipped counts what it lost.
func (r *Reader[T]) ReadBatch(ctx context.Context, dst []T) (int, error) {
	n, err := r.read(ctx, dst)
	if err != nil && errors.Is(err, fanout.ErrClosed) {
		err = r.closed()
	}
	return n, err
}

// closed says why the reader was closed.
func (r *Reader[T]) closed() error {
	if r.player != nil {
		if cause := r.player.Err(); cause != nil {
			return cause
		}
	}
	return ErrReaderClosed
}

// Skipped returns how many items the reader lost by being slow.
func (r *Reader[T]) Skipped() uint64 { return r.skipped() }

// Close gives the reader up and ends a ReadBatch that waits. It may be called from any goroutine, more than once.
func (r *Reader[T]) Close() { r.close() }

// Read returns a reader of the stream's packets. It does not count as somebody who watches.
func (st *Stream) Read() *Reader[*Packet] {
	return st.readPackets(func() fanout.Cursor[*Packet] { return fanout.NewCursor(st.packets) })
}

// ReadFrom returns a reader of the stream's packets that begins earlier: at the last key frame that is back or more
// behind the newest packet, or at the oldest that the stream still has. How long it keeps packets is its KeepFor
// option. It does not count as somebody who watches.
func (st *Stream) ReadFrom(back time.Duration) *Reader[*Packet] {
	st.mu.Lock()
	defer st.mu.Unlock()
	if seq, ok := st.past.before(st.past.newest-back, st.packets.Tail()); ok {
		return st.readPackets(func() fanout.Cursor[*Packet] { return fanout.NewCursorAt(st.packets, seq) })
	}
	return st.Read()
}

func (st *Stream) readPackets(from func() fanout.Cursor[*Packet]) *Reader[*Packet] {
	r := fanout.NewReader(from, st.group, st.life.Done())
	return gated(st, &Reader[*Packet]{
		read: func(ctx context.Context, dst []*Packet) (int, error) {
			n, _, err := r.Read(ctx, dst)
			return n, err
		},
		skipped: r.Skipped,
		close:   r.Close,
	}, r, st.packets)
}

// ReadFormat returns a reader of the stream in a format. It does not count as somebody who watches.
func (st *Stream) ReadFormat(f *Format) *Reader[Chunk] {
	out := st.open(f)
	r := fanout.NewReader(func() fanout.Cursor[fanout.Item] { return fanout.NewCursor(out.log) }, out.group, st.life.Done())
	c := &chunkReader{from: r}
	return gated(st, &Reader[Chunk]{
		read: c.read, skipped: r.Skipped,
		close: sync.OnceFunc(func() {
			r.Close()
			out.release()
		}),
	}, r, out.log)
}

// gated lets the reader of a private stream hold its source back.
func gated[T, I any](st *Stream, r *Reader[T], inner *fanout.Reader[I], log held) *Reader[T] {
	b := st.private
	if b == nil {
		return r
	}
	gate, end := b.newGate(), r.close
	inner.Gate = gate
	r.close = func() {
		b.leave(gate)
		end()
	}
	b.begin(reined{gate, log, inner}, lead)
	return r
}

// Read returns a reader of the stream's packets that ends with the player: when it is closed or kicked.
func (p *Player) Read() *Reader[*Packet] { return lend(p, p.stream.Read()) }

// ReadFormat returns a reader of the stream in a format that ends with the player: when it is closed or kicked.
func (p *Player) ReadFormat(f *Format) *Reader[Chunk] { return lend(p, p.stream.ReadFormat(f)) }

// lend lets r end with p.
func lend[T any](p *Player, r *Reader[T]) *Reader[T] {
	held, end := &holding{player: p, reader: true}, r.close
	r.player = p
	r.close = func() {
		held.drop()
		end()
	}
	held.keep(r.close)
	if p.session.Err() != nil { // kicked, while we began perhaps
		r.close()
	}
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
		dst[i] = Chunk{Key: it.Intro != nil, DTS: it.DTS, Duration: it.Duration, Data: it.Data(), Change: it.Change, Resumed: it.Resumed}
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
