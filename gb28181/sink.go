package gb28181

import (
	"net/netip"
	"sync/atomic"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
)

// labeledBatch is a batch of packets that were given labels, and the memory that they lie in until they are sent. As each sender has a socket
// of its own, and so a system call, it has the packets of one sender at a time: little memory, which stays in the processor's cache.
type labeledBatch struct {
	*datagram.Batch
	arena []byte
}

// Flush sends the batch.
func (b *labeledBatch) Flush() {
	b.Batch.Flush()
	b.arena = b.arena[:0]
}

// room sends what waits, and makes sure that n bytes can be appended to the arena without moving it.
func (b *labeledBatch) room(n int) {
	b.Flush()
	if cap(b.arena) < n {
		b.arena = make([]byte, 0, n)
	}
}

// udpSink sends the chunks of a stream to one address. It is a [media.ChunkSink].
type udpSink struct {
	to       datagram.Destination
	label    label
	delivery datagram.Delivery
	chunks   [][]byte      // that are waiting, for its memory
	own      *labeledBatch // of one that no engine feeds

	stamp           atomic.Uint32 // of the newest packet
	packets, octets atomic.Uint64
}

var (
	_ media.ChunkSink       = (*udpSink)(nil)
	_ datagram.Destinations = (*udpSink)(nil)
)

func newUDPSink(l *udpLink, to netip.AddrPort, of label) *udpSink {
	return &udpSink{to: datagram.NewDestination(l.pair.RTP, to), label: of}
}

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
