package fanout

import (
	"errors"
	"net"
	"os"
	"time"
)

// park lets a goroutine of its own work for the feed until the socket has taken everything. What it waits
// with is the rest of one item, which is the log's memory and shared by all who wait within it, and a sequence number.
// That much of an old item a reader keeps alive: the item, or the segment of an [Arena] in which it lies, until it
// has taken the whole of it, or for the stall timeout.
func (f *Feed) park() {
	f.engine.active.Go(func() {
		f.arm()
		at := f.cursor.next
		err := f.raw.Write(func(fd uintptr) bool { return f.catchUp(fd, &at) })
		_ = f.conn.SetWriteDeadline(time.Time{})
		if err == nil {
			err = f.result.err
		}
		if err != nil {
			f.end(stalled(err))
			return
		}
		f.wip.Store(1) // it may have counted far
		s, _ := f.engine.scratch.Get().(*Scratch)
		defer f.engine.scratch.Put(s)
		f.work(s)
	})
}

// catchUp writes until nothing waits. It returns false when it wants to be called again once the socket
// takes more. at is the item that followed when the time began in which the peer has to take what is under way.
func (f *Feed) catchUp(fd uintptr, at *uint64) bool {
	s, _ := f.engine.scratch.Get().(*Scratch)
	defer f.engine.scratch.Put(s)
	defer s.reset()
	f.result = writeResult{}
	for f.gather(s) {
		f.result = f.tryWrite(fd, s)
		f.cursor.leave(f.gate)
		if f.result.err != nil {
			return true
		}
		if f.result.blocked {
			if *at != f.cursor.next {
				*at = f.cursor.next
				f.arm()
			}
			// A Close that came before the deadline was set must not be overlooked.
			return f.signals.Load()&signalClose != 0
		}
	}
	return true
}

// arm begins the time in which the peer has to take something.
func (f *Feed) arm() {
	if f.stall > 0 {
		_ = f.conn.SetWriteDeadline(time.Now().Add(f.stall))
	}
}

func stalled(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrStalled
	}
	return err
}

// writeBlocking works for a connection that is no plain socket, such as TLS, with ordinary writes.
func (f *Feed) writeBlocking() {
	for {
		if err := f.writeWaiting(); err != nil {
			f.end(stalled(err))
			return
		}
		if !f.goesOn() {
			return
		}
		<-f.wake
	}
}

// writeWaiting writes until nothing waits. The connection's methods are not ours and may panic.
func (f *Feed) writeWaiting() (err error) {
	defer Catch(&err)
	s, _ := f.engine.scratch.Get().(*Scratch)
	defer f.engine.scratch.Put(s)
	defer s.reset()
	for f.gather(s) {
		f.cursor.leave(f.gate) // all goes out, or nothing more at all
		f.arm()
		if f.signals.Load()&signalClose != 0 { // it came before the deadline was set
			return net.ErrClosed
		}
		for _, b := range s.bufs[:s.n] {
			if _, err := f.conn.Write(b); err != nil {
				return err
			}
		}
		f.wrote(s, s.size)
	}
	return nil
}
