package crowd

import (
	"runtime"
	"sync"
	"time"
)

// scratchSize is the most one recv throws away; a socket's receive buffer hardly ever holds more.
const scratchSize = 4 << 20

// drain empties the sockets of the players that nobody parses, all from one thread.
//
// It sweeps over them by the clock instead of waiting for events: that is one recv per player and picture and no call
// besides, and the server does not pay for waking anybody.
type drain struct {
	mu      sync.Mutex // held during a sweep
	members []*member
	frozen  bool // members marked so are passed over
	stop    chan struct{}
	done    sync.WaitGroup
}

// scratch is where a sweep puts what it throws away.
type scratch struct {
	bytes     []byte
	datagrams batch
	packets   *sequenced
}

// meter counts what a player receives and for how long it received nothing.
type meter struct {
	bytes   uint64
	last    time.Time
	silence time.Duration // the longest since the mark
	marked  uint64        // bytes at the mark
}

func (m *meter) add(n int, now time.Time) {
	if n > 0 {
		m.bytes += uint64(n)
		m.last = now
	}
}

// look notes how long it has been silent by now.
func (m *meter) look(now time.Time) { m.silence = max(m.silence, now.Sub(m.last)) }

// mark begins a new window.
func (m *meter) mark() { m.marked, m.silence = m.bytes, 0 }

func newDrain() *drain {
	d := &drain{stop: make(chan struct{})}
	d.done.Go(d.run)
	return d
}

func (d *drain) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &scratch{bytes: make([]byte, scratchSize), packets: newSequenced()}
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
			d.sweep(s)
		}
	}
}

func (d *drain) sweep(s *scratch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, m := range d.members {
		if m.lost || d.frozen && m.freezes {
			continue
		}
		m.look(now)
		m.drain(s, now)
	}
}

// join takes in a player that has been set up.
func (d *drain) join(m *member) {
	m.last = time.Now()
	m.begin(m.last)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.members = append(d.members, m)
}

// freeze stops or resumes reading from the members that freeze.
func (d *drain) freeze(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frozen = on
}

// each calls visit for every member between two sweeps.
func (d *drain) each(visit func(*member)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.members {
		visit(m)
	}
}

// close ends the sweeps and closes all sockets.
func (d *drain) close() {
	close(d.stop)
	d.done.Wait()
	for _, m := range d.members {
		m.close()
	}
}
