package media

import "time"

// Flusher is what a [Muxer] implements as well if it holds packets back, to give them together with later ones.
type Flusher interface {
	// AppendHeld appends what is held back: no packet comes for now, or what follows has another description.
	AppendHeld(dst []byte) ([]byte, error)
}

// Chunker is a muxer that makes its chunks itself: one that must see the next packet before it can write one, or puts
// several into a chunk. Like a [Muxer] it is called by one goroutine at a time, with the stream's lock held.
type Chunker interface {
	// AppendHeader and AppendChange are those of a Muxer. What was held back has been flushed before.
	AppendHeader(dst []byte, d *Description) ([]byte, error)
	AppendChange(dst []byte, d *Description) ([]byte, error)
	// WritePacket takes p, and gives w the chunks that are complete with it: none, one or more. start says that readers
	// are to begin with p: the chunk that begins with it is to have Key set, when it comes.
	WritePacket(w ChunkWriter, p *Packet, start bool) error
	// Flush gives w what is held back, as well as it can be written without what would have followed. That is when
	// the stream ends, its publisher drops, it has had no packet for a second or two, or its description changes.
	// Packets may follow.
	Flush(w ChunkWriter) error
}

// ChunkWriter takes the chunks that a [Chunker] makes. It is for the call that it is given to. What puts something around
// chunks, such as frames, is a Chunker that gives the one in it a ChunkWriter of its own.
type ChunkWriter interface {
	// Tail returns an empty slice to append the next chunk to, of about n bytes: there it lies behind the one before, so
	// that both can go out as one. It may be used for one chunk; another may lie anywhere.
	Tail(n int) []byte
	// Write gives a chunk to the readers, who share its Data from then on. Its Header is not looked at. A chunk without
	// Data is none.
	Write(c Chunk)
}

// chunkWriter writes to an output.
type chunkWriter struct{ out *output }

// Tail implements [ChunkWriter].
func (w *chunkWriter) Tail(n int) []byte { return w.out.arena.Tail(n) }

// Write implements [ChunkWriter].
func (w *chunkWriter) Write(c Chunk) {
	if len(c.Data) > 0 {
		w.out.add(c)
	}
}

// perPacket makes a chunk of each packet.
type perPacket struct {
	Muxer
	owed bool          // a start point gave nothing in this format: the next chunk is one
	last time.Duration // DTS of the newest packet
}

// WritePacket implements [Chunker].
func (m *perPacket) WritePacket(w ChunkWriter, p *Packet, start bool) error {
	buf, err := m.AppendPacket(w.Tail(len(p.Data)+len(p.Data)/64+slack), p)
	if err != nil {
		return err
	}
	m.last = p.DTS
	start = start || m.owed
	m.owed = start && len(buf) == 0
	w.Write(Chunk{Key: start, DTS: p.DTS, Data: buf})
	return nil
}

// Flush implements [Chunker].
func (m *perPacket) Flush(w ChunkWriter) error {
	f, ok := m.Muxer.(Flusher)
	if !ok {
		return nil
	}
	buf, err := f.AppendHeld(w.Tail(slack))
	if err == nil {
		w.Write(Chunk{DTS: m.last, Data: buf})
	}
	return err
}
