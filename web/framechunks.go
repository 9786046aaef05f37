package web

import (
	"github.com/gobwas/ws"

	"github.com/sluice-media/sluice/media"
)

// frameChunker puts each chunk that a chunker makes into a binary frame.
type frameChunker struct {
	inner media.Chunker
	to    frameWriter
}

var _ media.Chunker = (*frameChunker)(nil)

// AppendHeader implements [media.Chunker].
func (m *frameChunker) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	payload, err := m.inner.AppendHeader(nil, d)
	return appendUnlessEmpty(dst, payload), err
}

// AppendChange implements [media.Chunker].
func (m *frameChunker) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	payload, err := m.inner.AppendChange(nil, d)
	return appendUnlessEmpty(dst, payload), err
}

func appendUnlessEmpty(dst, payload []byte) []byte {
	if len(payload) == 0 {
		return dst
	}
	return appendFrame(dst, ws.OpBinary, payload)
}

// WritePacket implements [media.Chunker].
func (m *frameChunker) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	m.to.out = w
	return m.inner.WritePacket(&m.to, p, start)
}

// Flush implements [media.Chunker].
func (m *frameChunker) Flush(w media.ChunkWriter) error {
	m.to.out = w
	return m.inner.Flush(&m.to)
}

// frameWriter writes chunks on as frames, in place: it leaves room for the header in front of what Tail returns.
type frameWriter struct {
	out  media.ChunkWriter
	tail []byte // what out has given for the next chunk
	head int    // bytes in it for the header
}

// Tail implements [media.ChunkWriter].
func (w *frameWriter) Tail(n int) []byte {
	w.head = frameHeaderSize(n)
	w.tail = w.out.Tail(w.head + n)
	if cap(w.tail) < w.head+n {
		w.tail = make([]byte, 0, w.head+n)
	}
	w.tail = w.tail[:w.head]
	return w.tail[w.head:]
}

// Write implements [media.ChunkWriter].
func (w *frameWriter) Write(c media.Chunk) {
	n := len(c.Data)
	if n == 0 {
		return
	}
	if w.holds(c.Data) {
		c.Data = w.tail[:w.head+n]
	} else {
		c.Data = w.moved(c.Data)
	}
	appendFrameHeader(c.Data[:0], ws.OpBinary, n)
	w.tail = nil
	w.out.Write(c)
}

// moved returns a copy of a chunk with room for its header in front. What Tail returns now may be where the chunk lies, and
// the header may be longer than the room that was left for it: it must not be written before the chunk has moved.
func (w *frameWriter) moved(data []byte) []byte {
	head := frameHeaderSize(len(data))
	whole := head + len(data)
	b := w.out.Tail(whole)
	if cap(b) < whole {
		b = make([]byte, 0, whole)
	}
	b = b[:whole]
	copy(b[head:], data)
	return b
}

// holds reports whether a chunk lies in the tail, behind as much room as its header takes.
func (w *frameWriter) holds(data []byte) bool {
	whole := w.head + len(data)
	return w.tail != nil && cap(w.tail) >= whole && frameHeaderSize(len(data)) == w.head && &w.tail[:whole][w.head] == &data[0]
}

// frameHeaderSize is how many bytes appendFrameHeader appends.
func frameHeaderSize(n int) int {
	switch {
	case n < 126:
		return 2
	case n < 1<<16:
		return 4
	}
	return 10
}
