package fanout

import (
	"math"
	"sync"
	"sync/atomic"
)

// shardFill is how many members a loop gets of one group before the next loop gets some: waking a second
// processor costs more than it brings for a small crowd.
const shardFill = 512

// Group is the readers of one log, spread over the loops of an engine.
type Group struct {
	engine *Engine
	first  uint32 // the loop that gets the first members

	mu     sync.Mutex // guards shards, not the members in them
	shards []*shard
	active atomic.Pointer[[]*shard] // a copy of shards, for Wake
}

// Member is a target's place in a group. The zero value is in no group.
type Member struct {
	target Target
	shard  *shard
	index  int
	next   atomic.Uint64 // what the target needs of the log from here on
}

// shard is the part of a group that one loop serves.
type shard struct {
	loop  *loop
	dirty atomic.Bool

	mu      sync.Mutex
	members []*Member
	count   atomic.Int32
}

// NewGroup returns an empty group.
func (e *Engine) NewGroup() *Group {
	return &Group{engine: e, first: e.groups.Add(1)}
}

// Add makes t a member, in the place m. Whoever adds pumps t once afterwards, because a Wake may have come before. From
// then on the log is kept for t until it says in m how far it has come: a cursor made afterwards loses nothing.
func (g *Group) Add(m *Member, t Target) {
	m.target = t
	g.roomiest().add(m)
}

// roomiest returns the shard for the next member: the first that is not full, else the emptiest.
func (g *Group) roomiest() *shard {
	g.mu.Lock()
	defer g.mu.Unlock()
	var least *shard
	for _, s := range g.shards {
		if n := s.count.Load(); n < shardFill {
			return s
		} else if least == nil || n < least.count.Load() {
			least = s
		}
	}
	n := len(g.shards)
	if n == len(g.engine.loops) {
		return least
	}
	s := &shard{loop: g.engine.loops[(int(g.first)+n)%len(g.engine.loops)]}
	g.shards = append(g.shards, s)
	active := append([]*shard(nil), g.shards...)
	g.active.Store(&active)
	return s
}

// Wake lets every member take what waits for it, soon and on other goroutines.
func (g *Group) Wake() {
	active := g.active.Load()
	if active == nil {
		return
	}
	for _, s := range *active {
		if s.count.Load() > 0 && s.dirty.CompareAndSwap(false, true) {
			s.loop.push(s)
		}
	}
}

// Oldest returns the sequence number from which on the members need the log. It is 0 while one is about to begin.
func (g *Group) Oldest() uint64 {
	oldest := uint64(math.MaxUint64)
	if active := g.active.Load(); active != nil {
		for _, s := range *active {
			oldest = min(oldest, s.oldest())
		}
	}
	return oldest
}

// Empty reports whether the group has no member.
func (g *Group) Empty() bool {
	active := g.active.Load()
	if active == nil {
		return true
	}
	for _, s := range *active {
		if s.count.Load() > 0 {
			return false
		}
	}
	return true
}

func (s *shard) add(m *Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.shard, m.index = s, len(s.members)
	s.members = append(s.members, m)
	s.count.Store(int32(len(s.members)))
}

// Leave takes m out of its group, if it is in one.
func (m *Member) Leave() {
	s := m.shard
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.index < 0 {
		return
	}
	last := len(s.members) - 1
	moved := s.members[last]
	s.members[m.index], moved.index = moved, m.index
	s.members[last] = nil
	s.members = s.members[:last]
	m.index = -1
	s.count.Store(int32(last))
}

// sweep pumps every member. It goes downwards: a member that leaves meanwhile moves one that was pumped
// already into its place, so nobody is missed; who joins meanwhile pumps itself.
func (s *shard) sweep(scratch *Scratch) {
	var batch [64]Target
	for end := s.len(); end > 0; {
		var n int
		n, end = s.batch(&batch, end)
		for _, t := range batch[:n] {
			t.Pump(scratch)
		}
		clear(batch[:n])
		scratch.settle()
	}
}

func (s *shard) oldest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := uint64(math.MaxUint64)
	for _, m := range s.members {
		oldest = min(oldest, m.next.Load())
	}
	return oldest
}

func (s *shard) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members)
}

// batch copies n members below end, so that none is pumped with the lock held. rest is the end of those left.
func (s *shard) batch(dst *[64]Target, end int) (n, rest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end = min(end, len(s.members))
	n = min(end, len(dst))
	for i := range n {
		dst[i] = s.members[end-1-i].target
	}
	return n, end - n
}
