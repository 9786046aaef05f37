package fanout

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/media/internal/load"
)

// Target is what a loop wakes. Pump takes what waits and returns; it must not block. It may be called once
// more after the target has left its group. The loop settles s after some targets.
type Target interface {
	Pump(s *Scratch)
}

// Engine wakes the readers of logs, from one loop per processor.
type Engine struct {
	loops   []*loop
	groups  atomic.Uint32
	stop    chan struct{}
	running sync.WaitGroup // loops
	active  tally.Tally    // feeds, and goroutines that work for them
	scratch sync.Pool
}

// NewEngine starts an engine with the given number of loops.
func NewEngine(loops int) *Engine {
	e := &Engine{stop: make(chan struct{}), scratch: sync.Pool{New: func() any { return new(Scratch) }}}
	for range max(loops, 1) {
		l := &loop{wake: make(chan struct{}, 1)}
		e.loops = append(e.loops, l)
		e.running.Go(func() { l.run(e.stop) })
	}
	return e
}

// Loads returns how busy each loop is.
func (e *Engine) Loads() []load.Load {
	loads := make([]load.Load, len(e.loops))
	for i, l := range e.loops {
		loads[i] = l.meter.Load(time.Now())
	}
	return loads
}

// Close waits until every feed has ended, and stops the loops.
func (e *Engine) Close() {
	e.active.Wait()
	close(e.stop)
	e.running.Wait()
}

// loop serves its share of the groups on one goroutine.
type loop struct {
	wake chan struct{}

	mu    sync.Mutex
	dirty []*shard
	asked time.Time // for the first of dirty

	meter   load.Meter
	spare   []*shard
	scratch Scratch
}

// push asks for a sweep over s.
func (l *loop) push(s *shard) {
	l.mu.Lock()
	if len(l.dirty) == 0 {
		l.asked = time.Now()
	}
	l.dirty = append(l.dirty, s)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already and will see s
	}
}

func (l *loop) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-l.wake:
		}
		begun := time.Now()
		shards, asked := l.takeDirty()
		for _, s := range shards {
			s.dirty.Store(false)
			s.sweep(&l.scratch)
		}
		l.meter.Count(asked, begun, time.Now())
	}
}

func (l *loop) takeDirty() ([]*shard, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.spare)
	l.dirty, l.spare = l.spare[:0], l.dirty
	return l.spare, l.asked
}
