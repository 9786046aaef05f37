package gb28181

import (
	"sync/atomic"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
)

// maxArena is how many bytes of labeled packets wait in a batch.
const maxArena = 1 << 20

// labeledBatch is a batch of packets that were given labels, and the memory that they lie in until they are sent.
type labeledBatch struct {
	*datagram.Batch
	arena []byte
}

// Flush sends the batch.
func (b *labeledBatch) Flush() {
	b.Batch.Flush()
	b.arena = b.arena[:0]
}

// room makes sure that n bytes can be appended to the arena without moving it: what lies there may be waiting.
func (b *labeledBatch) room(n int) {
	if cap(b.arena)-len(b.arena) >= n {
		return
	}
	b.Flush()
	if cap(b.arena) < n {
		b.arena = make([]byte, 0, max(n, maxArena))
	}
}

// udpSink sends the chunks of a stream to one address. It is a [media.ChunkSink].
type udpSink struct {
	to       datagram.Destination
	label    label
	delivery datagram.Delivery
	chunks   [][]byte // that are waiting, for its memory

	stamp           atomic.Uint32 // of the newest packet
	packets, octets atomic.Uint64
}

var (
	_ media.ChunkSink       = (*udpSink)(nil)
	_ datagram.Destinations = (*udpSink)(nil)
)

// Queue implements [media.ChunkSink].
func (s *udpSink) Queue(queued media.SinkBatch, chunks [][]byte) media.SinkBatch {
	b, ok := queued.(*labeledBatch)
	if !ok {
		if queued != nil {
			queued.Flush()
		}
		b = &labeledBatch{Batch: datagram.NewBatch()}
	}
	total := 0
	for _, chunk := range chunks {
		total += len(chunk)
	}
	b.room(total)
	s.chunks = s.chunks[:0]
	for _, chunk := range chunks {
		begin := len(b.arena)
		b.arena = s.label.appendRuns(b.arena, chunk)
		s.chunks = append(s.chunks, b.arena[begin:])
		s.count(chunk)
	}
	b.Put(s.chunks, s, &s.delivery)
	clear(s.chunks)
	return b
}

// count notes what reports tell.
func (s *udpSink) count(chunk []byte) {
	stamp, packets, octets := lastStamp(chunk)
	if packets > 0 {
		s.stamp.Store(stamp)
		s.packets.Add(uint64(packets))
		s.octets.Add(uint64(octets))
	}
}

// Result implements [media.ChunkSink].
func (s *udpSink) Result() (chunks, bytes int, err error) {
	return s.delivery.Chunks, s.delivery.Bytes, s.delivery.Err
}

// Destination implements [datagram.Destinations].
func (s *udpSink) Destination(byte) *datagram.Destination { return s.to.OrNowhere() }
