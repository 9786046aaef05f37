package fanout

import (
	"errors"
	"os"
	"time"
)

// park lets a goroutine of its own work for the feed until the socket has taken everything. What it waits
// with is bounded: the rest of one item and a sequence number, never a place in the log's memory.
func (f *Feed) park() {
	f.engine.active.Go(func() {
		f.arm()
		err := f.raw.Write(f.catchUp)
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
// takes more.
func (f *Feed) catchUp(fd uintptr) bool {
	s, _ := f.engine.scratch.Get().(*Scratch)
	defer f.engine.scratch.Put(s)
	defer s.reset()
	f.result = writeResult{}
	for f.gather(s) {
		f.result = f.tryWrite(fd, s)
		if f.result.err != nil {
			return true
		}
		if f.result.blocked {
			f.arm()
			// A Close that came before the deadline was set must not be overlooked.
			return f.signals.Load()&signalClose != 0
		}
	}
	return true
}

// arm begins the time in which the peer has to take something.
func (f *Feed) arm() {
	if f.cfg.StallTimeout > 0 {
		_ = f.conn.SetWriteDeadline(time.Now().Add(f.cfg.StallTimeout))
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
		f.arm()
		for _, b := range s.bufs[:s.n] {
			if _, err := f.conn.Write(b); err != nil {
				return err
			}
		}
		f.wrote(s, s.size)
	}
	return nil
}
