package fanout

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	// ErrStalled ends a feed whose peer took nothing for the stall timeout.
	ErrStalled = errors.New("fanout: the peer does not read")
	// ErrBehind ends a feed that is not to skip, when it has fallen out of the log.
	ErrBehind = errors.New("fanout: the peer reads too slowly")
	// ErrInserts ends a feed whose peer asks for more than it takes.
	ErrInserts = errors.New("fanout: too many replies wait for the peer")
)

// maxInserts bounds what Insert keeps for a peer that does not read.
const maxInserts = 64 << 10

// FeedConfig says how to feed a connection.
type FeedConfig struct {
	// Prelude goes out first.
	Prelude []byte
	// Begin, if it is not nil, returns more that goes out after the prelude. It gets the item the feed begins
	// with, or nil if there is none yet, and is called before NewFeed returns.
	Begin func(first *Item) []byte
	// Sent counts the bytes that went out, if it is not nil.
	Sent *atomic.Uint64
	// Skipped is set to the number of items passed over because the peer was too slow, if it is not nil.
	Skipped *atomic.Uint64
	// StallTimeout ends a feed whose peer does not take what is under way, which is at most an item, for so long.
	// 0 means never.
	StallTimeout time.Duration
	// Disconnect ends the feed when it has fallen out of the log, instead of skipping.
	Disconnect bool
	// Gate, if it is not nil, tells the writer of the log how far the feed has come. What the gate has dropped is passed over.
	Gate *Gate
	// CatchUp, if it is more than 1, is how many times as fast as it was made the feed sends what it begins with, until it
	// has caught up.
	CatchUp float64
	// OnEnd is called once, on a goroutine of its own, when the feed ends by itself: with io.EOF after the
	// last byte of the log. It is not called after Close or Finish.
	OnEnd func(err error)
}

// Feed writes a log to a connection from its newest start point on. At any time one goroutine works for it:
// a loop, the one that called a method, or one that waits until the socket takes more.
type Feed struct {
	engine *Engine
	conn   net.Conn
	raw    syscall.RawConn // nil: conn can only be written to by a goroutine that may block
	write  func(fd uintptr) bool
	member Member

	sent, skipped *atomic.Uint64 // as FeedConfig has them
	stall         time.Duration
	onEnd         func(err error)
	disconnect    bool
	gate          *Gate
	pace          *pace

	wip     atomic.Int32  // asks to pump since it was last idle; not 0 while somebody works
	signals atomic.Uint32 // what the owner has to look at besides the log

	mu      sync.Mutex // guards inserts
	inserts []byte

	// What follows belongs to the goroutine that works for the feed.
	cursor  Cursor[Item]
	intro   *Intro // the last one sent
	pending []byte // goes out before anything else: a prelude, the rest of an item, inserts
	scratch *Scratch
	result  writeResult
	wake    chan struct{} // without raw: wakes the writing goroutine

	ended sync.WaitGroup // one: who works for it
}

type writeResult struct {
	short   bool // not everything went out
	blocked bool // nothing went out: the socket is full
	err     error
}

const (
	signalClose uint32 = 1 << iota
	signalInsert
	signalPaused
	signalRestart
	signalOverflow
	signalHeld
	signalFinish
	signalAlone
	signalWhole // it ended between two items, with nothing left of what was inserted
)

// NewFeed begins to feed conn from log. What the log holds since its newest start point is written before
// NewFeed returns, as far as the socket takes it. If Begin panics there is no feed.
func (e *Engine) NewFeed(conn net.Conn, log *Log[Item], g *Group, cfg FeedConfig) (*Feed, error) {
	f := &Feed{
		engine: e, conn: conn, pending: cfg.Prelude,
		sent: cfg.Sent, skipped: cfg.Skipped, stall: cfg.StallTimeout, onEnd: cfg.OnEnd, disconnect: cfg.Disconnect,
		gate: cfg.Gate, pace: newPace(cfg.CatchUp, log),
	}
	f.ended.Add(1)
	if raw := rawConn(conn); raw != nil {
		f.raw, f.write = raw, f.writeReady
	} else {
		f.wake = make(chan struct{}, 1)
	}
	f.wip.Store(1) // nobody else works for it before it is ready
	g.Add(&f.member, f)
	f.cursor = NewCursor(log)
	if cfg.Begin != nil {
		err := beginAt(&f.cursor, func(first *Item) { f.pending = slices.Concat(cfg.Prelude, cfg.Begin(first)) })
		if err != nil {
			f.member.Leave()
			return nil, err
		}
	}
	e.active.Add()
	if f.raw == nil {
		e.active.Go(f.writeBlocking) // it works for it to the end
	} else {
		f.wip.Store(0)
	}
	f.pumpNow()
	return f, nil
}

// rawConn returns the socket of a plain TCP or Unix connection.
func rawConn(conn net.Conn) syscall.RawConn {
	if !canPoll {
		return nil
	}
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, _ := c.SyscallConn()
		return raw
	case *net.UnixConn:
		raw, _ := c.SyscallConn()
		return raw
	}
	return nil
}

// Insert writes b between two items. It does not keep b and does not wait.
func (f *Feed) Insert(b []byte) {
	f.mu.Lock()
	full := len(f.inserts)+len(b) > maxInserts
	if !full {
		f.inserts = append(f.inserts, b...)
	}
	f.mu.Unlock()
	if full {
		f.signal(signalOverflow)
		return
	}
	f.signal(signalInsert)
}

// Pause stops the feed after the item under way; without it, the feed goes on at the newest start point.
func (f *Feed) Pause(on bool) {
	if on {
		f.signals.Or(signalPaused)
		return
	}
	if resume(&f.signals) {
		f.pumpNow()
	}
}

// resume takes back a pause, if there is one. The restart is asked for first: who looked in between would go on where the
// feed stopped.
func resume(signals *atomic.Uint32) bool {
	if signals.Load()&signalPaused == 0 {
		return false
	}
	signals.Or(signalRestart)
	signals.And(^signalPaused)
	return true
}

// Hold stops the feed after the item under way; without it, the feed goes on where it stopped. The writer of the log must
// wait meanwhile.
func (f *Feed) Hold(on bool) {
	if on {
		f.signals.Or(signalHeld)
	} else if f.signals.And(^signalHeld)&signalHeld != 0 {
		f.pumpNow()
	}
}

// Finish ends the feed in order: the item under way goes out whole, then what was inserted. It waits for that as long
// as within says, and reports whether all went out, so that more can be written to the connection; else the feed has
// ended as by Close. err is a *PanicError if a method of the connection has panicked.
func (f *Feed) Finish(within time.Duration) (whole bool, err error) {
	f.signals.Or(signalFinish)
	closed := make(chan error, 1)
	late := time.AfterFunc(within, func() { closed <- f.Close() })
	f.pumpNow()
	f.ended.Wait()
	if !late.Stop() {
		err = <-closed
	}
	return f.signals.Load()&signalWhole != 0, errors.Join(err, f.resume())
}

// Close ends the feed, maybe within an item. When it returns, nothing writes to the connection any more. It does not
// close it, unless that is the only way to end a write. It returns a *PanicError if a method of the connection has
// panicked.
func (f *Feed) Close() error {
	f.signals.Or(signalClose)
	err := f.interrupt()
	f.pumpNow()
	f.ended.Wait()
	return errors.Join(err, f.resume())
}

// interrupt makes whoever waits for the socket give up.
func (f *Feed) interrupt() (err error) {
	defer Catch(&err)
	if f.raw != nil {
		_ = f.conn.SetWriteDeadline(time.Unix(1, 0))
		return nil
	}
	kept := false
	defer func() {
		if !kept {
			f.conn.Close()
		}
	}()
	kept = f.conn.SetWriteDeadline(time.Unix(1, 0)) == nil
	return nil
}

// resume makes the connection ready for what its owner writes next.
func (f *Feed) resume() (err error) {
	defer Catch(&err)
	_ = f.conn.SetWriteDeadline(time.Time{})
	return nil
}

func (f *Feed) signal(bit uint32) {
	f.signals.Or(bit)
	f.pumpNow()
}

// pumpNow pumps from a goroutine that is no loop.
func (f *Feed) pumpNow() {
	s, _ := f.engine.scratch.Get().(*Scratch)
	f.Pump(s)
	f.engine.scratch.Put(s)
}

// Pump implements [Target]: it writes what waits, unless somebody is at it already, who will then look again.
func (f *Feed) Pump(s *Scratch) {
	if f.wip.Add(1) != 1 {
		f.nudge()
		return
	}
	f.work(s)
}

// nudge wakes the writing goroutine of a connection that blocks.
func (f *Feed) nudge() {
	if f.wake == nil {
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// work writes until nothing waits and nobody has asked again.
func (f *Feed) work(s *Scratch) {
	for {
		asked := f.wip.Load()
		if !f.drain(s) {
			return
		}
		if f.wip.CompareAndSwap(asked, 0) {
			return
		}
	}
}

// drain writes what waits. It returns false when the caller does not work for the feed any more: it ended, or
// another goroutine waits for the socket.
func (f *Feed) drain(s *Scratch) bool {
	for f.gather(s) {
		f.scratch = s
		err := f.raw.Write(f.write)
		f.scratch = nil
		f.cursor.leave(f.gate)
		if err == nil {
			err = f.result.err
		}
		if err != nil {
			f.end(err)
			return false
		}
		if f.result.short {
			f.park()
			return false
		}
	}
	return f.goesOn()
}

// writeReady is what the socket is written with: it never asks to wait.
func (f *Feed) writeReady(fd uintptr) bool {
	f.result = f.tryWrite(fd, f.scratch)
	return true
}

func (f *Feed) tryWrite(fd uintptr, s *Scratch) writeResult {
	n, errno := writeSocket(fd, s)
	if errno != 0 && errno != syscall.EAGAIN {
		return writeResult{err: errno}
	}
	blocked := errno == syscall.EAGAIN
	if blocked {
		n = 0
	}
	f.wrote(s, n)
	return writeResult{short: n < s.size, blocked: blocked}
}

// goesOn ends the feed if it is at its end.
func (f *Feed) goesOn() bool {
	sig := f.signals.Load()
	switch {
	case sig&signalClose != 0:
		f.end(net.ErrClosed)
	case sig&signalOverflow != 0:
		f.end(ErrInserts)
	case sig&signalFinish != 0:
		f.signals.Or(signalWhole)
		f.end(net.ErrClosed)
	case f.disconnect && f.cursor.skipped > 0:
		f.end(ErrBehind)
	case f.cursor.ended(), sig&(signalPaused|signalHeld) != 0 && f.cursor.log.closed.Load():
		f.signals.Or(signalWhole)
		f.end(f.cursor.log.end())
	default:
		return true
	}
	return false
}

// end is called by the goroutine that works for the feed; nobody works for it afterwards.
func (f *Feed) end(err error) {
	defer f.engine.active.Done()
	closed := f.signals.Load()&(signalClose|signalFinish) != 0
	f.pace.stop()
	f.pending, f.intro = nil, nil
	f.cursor.log = nil
	f.member.Leave()
	f.ended.Done()
	if !closed && f.onEnd != nil {
		f.engine.active.Go(func() { f.onEnd(err) })
	}
}
