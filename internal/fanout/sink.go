package fanout

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// ErrBusy is what a Sink answers when it can take nothing now.
var ErrBusy = errors.New("fanout: the socket is full")

// Sink takes items without ever waiting, such as a datagram socket.
type Sink interface {
	// Send sends the bytes of an item or an intro. On ErrBusy what follows up to the next start point is left
	// out; any other error ends the feed. It must not keep data.
	Send(data []byte) error
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

	done chan struct{}
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
	f := &SinkFeed{engine: e, sink: sink, cfg: cfg, cursor: NewCursor(log), done: make(chan struct{})}
	if begin != nil {
		var first *Item
		if entry, _ := f.cursor.peek(); entry != nil {
			first = &entry.value
		}
		begin(first)
	}
	e.active.Add()
	g.Add(&f.member, f)
	f.Pump(nil)
	return f
}

// Pause stops the feed; without it, the feed goes on at the newest start point.
func (f *SinkFeed) Pause(on bool) {
	if on {
		f.signals.Or(signalPaused)
		return
	}
	if f.signals.And(^signalPaused)&signalPaused != 0 {
		f.signals.Or(signalRestart)
		f.Pump(nil)
	}
}

// Close ends the feed. When it returns, nothing is sent any more.
func (f *SinkFeed) Close() {
	f.signals.Or(signalClose)
	f.Pump(nil)
	<-f.done
}

// Pump implements [Target].
func (f *SinkFeed) Pump(*Scratch) {
	if f.wip.Add(1) != 1 {
		return
	}
	for {
		asked := f.wip.Load()
		if err := f.drain(); err != nil {
			f.end(err)
			return
		}
		if f.wip.CompareAndSwap(asked, 0) {
			return
		}
	}
}

// drain sends what waits. Its error is why the feed ends.
func (f *SinkFeed) drain() error {
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
		more, err := f.next()
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

// next sends one item, if there is one.
func (f *SinkFeed) next() (more bool, err error) {
	e, jumped := f.cursor.peek()
	if e == nil {
		f.report()
		return false, nil
	}
	if jumped {
		err = f.introduce(e.value.Intro)
	}
	if err == nil {
		err = f.send(e.value.Data())
	}
	f.cursor.take()
	if errors.Is(err, ErrBusy) {
		f.lost++
		f.cursor.seeking = true
		err = nil
	}
	return true, err
}

func (f *SinkFeed) introduce(intro *Intro) error {
	before := f.intro
	f.intro = intro
	switch {
	case intro == nil || intro == before:
		return nil
	case before == nil:
		return f.send(intro.Header)
	default:
		return f.send(intro.Change)
	}
}

func (f *SinkFeed) send(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	err := f.sink.Send(data)
	if err == nil && f.cfg.Sent != nil {
		f.cfg.Sent.Add(uint64(len(data)))
	}
	return err
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
	close(f.done)
	if !closed && f.cfg.OnEnd != nil {
		f.engine.active.Go(func() { f.cfg.OnEnd(err) })
	}
}
