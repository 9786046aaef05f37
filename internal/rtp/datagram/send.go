package datagram

import (
	"errors"
	"syscall"

	"github.com/sluice-media/sluice/media"
)

// Destinations says where the packets of a channel go.
type Destinations interface {
	Destination(channel byte) *Destination // nil: nowhere
}

// OrNowhere is nil for the zero value.
func (d *Destination) OrNowhere() *Destination {
	if d.socket == nil {
		return nil
	}
	return d
}

// Delivery is what became of chunks that were put into a batch. It is for the goroutine that has the batch.
type Delivery struct {
	Chunks, Bytes int // sent before Err
	Err           error
}

// run is equal datagrams to one address; the last may be shorter.
type run struct {
	to      *Destination
	packets []byte
	unit    int

	of            *Delivery
	chunk, before int // what of was sent before
}

// fail notes that a run could not be sent; what follows of the same chunks is left out.
func (r *run) fail(err error) { *r.of = Delivery{r.chunk, r.before, err} }

// Put adds the runs in chunks. d is theirs until the batch is flushed.
func (b *Batch) Put(chunks [][]byte, to Destinations, d *Delivery) {
	*d = Delivery{}
	bytes := 0
	for i, chunk := range chunks {
		before := bytes
		bytes += len(chunk)
		for len(chunk) > runHead {
			r := run{of: d, chunk: i, before: before}
			var channel byte
			channel, r.unit, r.packets, chunk = TakeRun(chunk)
			if r.to = to.Destination(channel); r.to != nil {
				b.add(&r)
			}
			if d.Err != nil {
				return
			}
		}
	}
	d.Chunks, d.Bytes = len(chunks), bytes
}

// SendChunks sends the runs in chunks, and all that is in the batch.
func (b *Batch) SendChunks(chunks [][]byte, to Destinations) error {
	var d Delivery
	b.Put(chunks, to, &d)
	b.Flush()
	return d.Err
}

// Send sends one datagram.
func (d *Destination) Send(packet []byte) error {
	var done Delivery
	b := NewBatch()
	b.add(&run{to: d, packets: packet, unit: len(packet), of: &done})
	b.Flush()
	return done.Err
}

// busy reports whether err says that the socket or the device takes nothing now.
func busy(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS)
}

// sendErr is what a player is to make of the error of a datagram. A port at which nobody listens (yet) is no
// reason to end: the client's silence is.
func sendErr(err error) error {
	switch {
	case err == nil, errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EPERM):
		return nil
	case busy(err):
		return media.ErrBusy
	}
	return err
}
