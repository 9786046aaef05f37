package datagram

import (
	"net/netip"
	"sync"
)

const (
	// maxDatagram is how many bytes of a datagram are read: RTP has no reason for more, and what is longer is no RTP.
	maxDatagram = 10 << 10
	// maxRead is how many datagrams are read at once.
	maxRead = 16
)

// Buffers are what readers take the memory from that they read into. The zero value is ready to use, by any number of readers.
type Buffers struct{ pool sync.Pool }

func (b *Buffers) get() *received {
	if x, ok := b.pool.Get().(*received); ok {
		return x
	}
	return newReceived()
}

// Read waits for datagrams, and gives take all that have come, up to 16, each with where it comes from. take must not keep one; those that are longer than
// 10 KiB are cut off there. The error is [net.ErrClosed] when the socket is closed, [os.ErrDeadlineExceeded] at its read
// deadline, or another of the system's, after which reading may go on.
func (r *Reader) Read(take func(b []byte, from netip.AddrPort)) error {
	batch, err := r.wait()
	if batch != nil {
		batch.each(take)
		r.buffers.pool.Put(batch)
	}
	return err
}
