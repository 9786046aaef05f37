package fanout

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// ErrBusy is what a Sink answers when it can take nothing now.
var ErrBusy = errors.New("fanout: the socket is full")

// Sink takes items without ever waiting, such as a datagram socket.
type Sink interface {
	// Send sends items and intros, all that wait, and returns how many it has sent. On ErrBusy what follows up to
	// the next start point is left out; any other error ends the feed. It must not keep what it gets.
	Send(chunks [][]byte) (n int, err error)
}

// SinkFeed gives a log to a sink from its newest start point on. At any time one goroutine works for it: a
// loop, or the one that called a method.
type SinkFeed struct {
	engine *Engine
	sink   Sink
	cfg    SinkConfig
	member Member

	wip     atomic.Int32
	signals atomic.Uint32

	// What follows belongs to the goroutine that works for the feed.
	cursor Cursor[Item]
	intro  *Intro
	lost   uint64

	ended sync.WaitGroup // one: who works for it
}

// SinkConfig says how to feed a sink.
type SinkConfig struct {
	// Sent and Skipped count bytes and items as those of FeedConfig do.
	Sent, Skipped *atomic.Uint64
	// OnEnd is called once, on a goroutine of its own, when the feed ends by itself: with io.EOF after the last
	// item. It is not called after Close.
	OnEnd func(err error)
}

// NewSinkFeed begins to feed sink from log. begin, if it is not nil, gets the first item, or nil if there is
// none yet, before anything is sent.
func (e *Engine) NewSinkFeed(sink Sink, log *Log[Item], g *Group, cfg SinkConfig, begin func(first *Item)) *SinkFeed {
	f := &SinkFeed{engine: e, sink: sink, cfg: cfg, cursor: NewCursor(log)}
	f.ended.Add(1)
	if begin != nil {
		var first *Item
		if entry, _ := f.cursor.peek(); entry != nil {
			first = &entry.value
		}
		begin(first)
	}
	e.active.Add()
	g.Add(&f.member, f)
	f.pumpNow()
	return f
}

// pumpNow pumps from a goroutine that is no loop.
func (f *SinkFeed) pumpNow() {
	s, _ := f.engine.scratch.Get().(*Scratch)
	f.Pump(s)
	f.engine.scratch.Put(s)
}

// Pause stops the feed; without it, the feed goes on at the newest start point.
func (f *SinkFeed) Pause(on bool) {
	if on {
		f.signals.Or(signalPaused)
		return
	}
	if f.signals.And(^signalPaused)&signalPaused != 0 {
		f.signals.Or(signalRestart)
		f.pumpNow()
	}
}

// Close ends the feed. When it returns, nothing is sent any more.
func (f *SinkFeed) Close() {
	f.signals.Or(signalClose)
	f.pumpNow()
	f.ended.Wait()
}

// Pump implements [Target].
func (f *SinkFeed) Pump(s *Scratch) {
	if f.wip.Add(1) != 1 {
		return
	}
	for {
		asked := f.wip.Load()
		if err := f.drain(s); err != nil {
			f.end(err)
			return
		}
		if f.wip.CompareAndSwap(asked, 0) {
			return
		}
	}
}

// drain sends what waits. Its error is why the feed ends.
func (f *SinkFeed) drain(s *Scratch) error {
	for {
		sig := f.signals.Load()
		switch {
		case sig&signalClose != 0:
			return net.ErrClosed
		case sig&signalPaused != 0:
			if f.cursor.log.closed.Load() {
				return io.EOF
			}
			return nil
		case sig&signalRestart != 0:
			f.signals.And(^signalRestart)
			f.cursor.Restart()
		}
		more, err := f.next(s)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if f.cursor.ended() {
		return io.EOF
	}
	return nil
}

// next sends the items that wait, as far as they go into one call.
func (f *SinkFeed) next(s *Scratch) (more bool, err error) {
	s.reset()
	defer s.reset()
	var seqs [maxBuffers]uint64 // of the items; a header has that of the item behind it
	for !s.full() {
		e, jumped := f.cursor.peek()
		if e == nil {
			break
		}
		seqs[s.n] = e.seq
		if jumped {
			s.introduce(f.intro, e.value.Intro)
			f.intro = e.value.Intro
			seqs[s.n] = e.seq
		}
		s.addBytes(e.value.Data())
		f.cursor.take()
	}
	if s.n == 0 {
		f.report()
		return false, nil
	}
	n, err := f.send(s)
	if errors.Is(err, ErrBusy) {
		f.lost++
		f.cursor.next, f.cursor.seeking = seqs[n]+1, true
		err = nil
	}
	return true, err
}

// send gives the sink what was gathered, and returns how many pieces it took.
func (f *SinkFeed) send(s *Scratch) (n int, err error) {
	n, err = f.sink.Send(s.bufs[:s.n])
	if f.cfg.Sent != nil {
		for _, b := range s.bufs[:n] {
			f.cfg.Sent.Add(uint64(len(b)))
		}
	}
	return n, err
}

// report tells how many items were lost.
func (f *SinkFeed) report() {
	if n := f.cursor.skipped + f.lost; f.cfg.Skipped != nil && n > 0 {
		f.cfg.Skipped.Store(n)
	}
}

// end is called by the goroutine that works for the feed; wip stays above zero, so nobody does afterwards.
func (f *SinkFeed) end(err error) {
	defer f.engine.active.Done()
	closed := f.signals.Load()&signalClose != 0
	f.report()
	f.intro, f.cursor.log = nil, nil
	f.member.Leave()
	f.ended.Done()
	if !closed && f.cfg.OnEnd != nil {
		f.engine.active.Go(func() { f.cfg.OnEnd(err) })
	}
}
