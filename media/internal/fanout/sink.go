package fanout

import (
	"errors"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
)

// ErrBusy is what a Sink answers when it can take nothing now.
var ErrBusy = errors.New("fanout: the socket is full")

// Batch is what sinks have taken and not sent yet.
type Batch = interface{ Flush() }

// Sink takes items without ever waiting, such as a datagram socket. It may leave what it is given in a batch, so that
// sinks share system calls.
type Sink interface {
	// Queue takes items and intros, all that wait. batch is where sinks of the same type have left theirs, or nil. What
	// Queue returns, which may be nil, is flushed before Result is called, and until then the sink may keep what it got.
	Queue(batch Batch, chunks [][]byte) Batch
	// Result returns how many of the chunks were sent, and their bytes. On ErrBusy what follows up to the next start
	// point is left out; any other error ends the feed.
	Result() (chunks, bytes int, err error)
}

// SinkFeed gives a log to a sink from its newest start point on. At any time one goroutine works for it: a
// loop, or the one that called a method. A sink that panics ends its feed alone.
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
	first  uint64 // the item that was queued first
	intros int    // queued in front of it
	pace   *pace

	ended sync.WaitGroup // one: who works for it
}

// SinkConfig says how to feed a sink.
type SinkConfig struct {
	// Sent and Skipped count bytes and items as those of FeedConfig do.
	Sent, Skipped *atomic.Uint64
	// OnEnd is called once, on a goroutine of its own, when the feed ends by itself: with io.EOF after the last
	// item. It is not called after Close.
	OnEnd func(err error)
	// Gate and CatchUp are those of FeedConfig.
	Gate    *Gate
	CatchUp float64
}

// NewSinkFeed begins to feed sink from log. begin, if it is not nil, gets the first item, or nil if there is
// none yet, before anything is sent. If it panics there is no feed.
func (e *Engine) NewSinkFeed(sink Sink, log *Log[Item], g *Group, cfg SinkConfig, begin func(first *Item)) (*SinkFeed, error) {
	f := &SinkFeed{engine: e, sink: sink, cfg: cfg, pace: newPace(cfg.CatchUp, log)}
	f.ended.Add(1)
	f.wip.Store(1) // nobody else works for it before it is ready
	g.Add(&f.member, f)
	f.cursor = NewCursor(log)
	if begin != nil {
		if err := beginAt(&f.cursor, begin); err != nil {
			f.member.Leave()
			return nil, err
		}
	}
	e.active.Add()
	f.wip.Store(0)
	f.pumpNow()
	return f, nil
}

// beginAt calls begin with the item at a cursor, or nil if there is none yet.
func beginAt(c *Cursor[Item], begin func(first *Item)) (err error) {
	defer Catch(&err)
	var first *Item
	if e, _ := c.peek(); e != nil {
		first = &e.value
	}
	begin(first)
	return nil
}

// pumpNow pumps from a goroutine that is no loop.
func (f *SinkFeed) pumpNow() {
	s, _ := f.engine.scratch.Get().(*Scratch)
	f.Pump(s)
	s.settle()
	f.engine.scratch.Put(s)
}

// Pause stops the feed; without it, the feed goes on at the newest start point.
func (f *SinkFeed) Pause(on bool) {
	if on {
		f.signals.Or(signalPaused)
		return
	}
	if resume(&f.signals) {
		f.pumpNow()
	}
}

// Hold stops the feed; without it, the feed goes on where it stopped.
func (f *SinkFeed) Hold(on bool) {
	if on {
		f.signals.Or(signalHeld)
	} else if f.signals.And(^signalHeld)&signalHeld != 0 {
		f.pumpNow()
	}
}

// Close ends the feed. When it returns, nothing is sent any more.
func (f *SinkFeed) Close() {
	f.signals.Or(signalClose)
	f.pumpNow()
	f.ended.Wait()
}

// Pump implements [Target]. Afterwards s must be settled.
func (f *SinkFeed) Pump(s *Scratch) {
	if f.wip.Add(1) == 1 {
		f.work(s)
	}
}

// work queues what waits, for the feed to be settled, until nothing does and nobody has asked again.
func (f *SinkFeed) work(s *Scratch) {
	for {
		asked := f.wip.Load()
		queued, err := f.next(s)
		switch {
		case err != nil:
			f.end(err)
			return
		case queued:
			s.queued = append(s.queued, f)
			return
		case f.wip.CompareAndSwap(asked, 0):
			return
		}
	}
}

// next queues what waits, as far as the signals let it. Its error is why the feed ends.
func (f *SinkFeed) next(s *Scratch) (queued bool, err error) {
	f.member.next.Store(f.cursor.next) // what came before has been sent, or is lost
	sig := f.signals.Load()
	switch {
	case sig&signalClose != 0:
		return false, net.ErrClosed
	case sig&(signalPaused|signalHeld) != 0:
		if sig&signalPaused != 0 {
			f.pace.caughtUp() // it goes on at the newest start point
		}
		if f.cursor.log.closed.Load() {
			return false, f.cursor.log.end()
		}
		return false, nil
	case sig&signalRestart != 0:
		f.signals.And(^signalRestart)
		f.cursor.Restart()
	}
	f.cursor.enter(f.cfg.Gate)
	queued = f.collect(s)
	f.cursor.leave(f.cfg.Gate)
	if queued {
		defer s.reset()
		return true, f.queue(s)
	}
	f.report()
	if f.cursor.ended() {
		return false, f.cursor.log.end()
	}
	return false, nil
}

// collect puts into s the items that wait, as far as they go into one call and follow each other.
func (f *SinkFeed) collect(s *Scratch) bool {
	if !f.alone() {
		s.take(reflect.TypeOf(f.sink))
	}
	s.reset()
	for !s.full() {
		e, jumped := f.cursor.peek()
		if e == nil {
			f.pace.caughtUp()
		}
		if e == nil || jumped && s.n > 0 || f.pace != nil && f.pace.holds(&e.value, jumped, f.pumpNow) {
			break
		}
		if s.n == 0 {
			f.first, f.intros = e.seq, 0
		}
		if jumped {
			s.introduce(f.intro, e.value.Intro)
			f.intro, f.intros = e.value.Intro, s.n
		}
		s.addBytes(e.value.Data())
		f.cursor.take()
	}
	return s.n > 0
}

// queue gives the sink what was collected.
func (f *SinkFeed) queue(s *Scratch) (err error) {
	defer Catch(&err)
	if !f.alone() {
		s.batch = f.sink.Queue(s.batch, s.bufs[:s.n])
		return nil
	}
	if b := f.sink.Queue(nil, s.bufs[:s.n]); b != nil {
		b.Flush()
	}
	return nil
}

// suspect ends the feed if a batch that panicked was its alone. If it was that of many, each loses what it had there
// and has its own from then on, so that the guilty one shows.
func (f *SinkFeed) suspect(s *Scratch, err error, many int) {
	switch {
	case f.alone():
		f.settle(s)
	case many == 1:
		f.end(err)
	default:
		f.signals.Or(signalAlone)
		f.skip(0)
		f.work(s)
	}
}

// alone reports whether the feed shares no batch any more.
func (f *SinkFeed) alone() bool { return f.signals.Load()&signalAlone != 0 }

// settle learns what became of what was queued, and goes on.
func (f *SinkFeed) settle(s *Scratch) {
	chunks, bytes, err := f.result()
	if f.cfg.Sent != nil {
		f.cfg.Sent.Add(uint64(bytes))
	}
	if errors.Is(err, ErrBusy) {
		f.skip(chunks)
		err = nil
	}
	if err != nil {
		f.end(err)
		return
	}
	f.work(s)
}

func (f *SinkFeed) result() (chunks, bytes int, err error) {
	defer Catch(&err)
	return f.sink.Result()
}

// skip goes on at the start point behind the chunk that could not be sent.
func (f *SinkFeed) skip(chunk int) {
	if chunk < f.intros {
		f.intro = nil
	}
	f.lost++
	f.cursor.next, f.cursor.seeking = f.first+uint64(max(chunk-f.intros, 0))+1, true
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
	f.pace.stop()
	f.intro, f.cursor.log = nil, nil
	f.member.Leave()
	f.ended.Done()
	if !closed && f.cfg.OnEnd != nil {
		f.engine.active.Go(func() { f.cfg.OnEnd(err) })
	}
}
