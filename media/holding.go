package media

import "sync"

// holding is something of a player that ends with it: a feed or a reader. It leaves the player's list when it ends by
// itself, so that the list is as long as what is open.
type holding struct {
	player *Player
	reader bool
	end    func()
	index  int // in the list, from 1 on; 0 is not in it. Guarded by player.mu, like what follows.
	gone   bool
}

// keep enters h in the list, unless it has been dropped already. end is called when the player closes, or at once if
// it has.
func (h *holding) keep(end func()) {
	p := h.player
	p.mu.Lock()
	closed := p.closed
	h.end = end
	if !closed && !h.gone {
		p.open = append(p.open, h)
		h.index = len(p.open)
	}
	p.mu.Unlock()
	if closed {
		end()
	}
}

// drop takes h off the list. It may be called more than once.
func (h *holding) drop() {
	p := h.player
	p.mu.Lock()
	defer p.mu.Unlock()
	h.gone = true
	if h.index == 0 || p.closed {
		return
	}
	last := len(p.open)
	moved := p.open[last-1]
	p.open[h.index-1], moved.index = moved, h.index
	p.open[last-1] = nil
	p.open = p.open[:last-1]
	h.index = 0
	if len(p.open) == 0 {
		p.open = nil
	}
}

// with returns what drops h and releases what it stands for, once.
func (h *holding) with(release func()) func() {
	return sync.OnceFunc(func() {
		h.drop()
		release()
	})
}

// endReaders closes the readers of a player that was kicked: who waits in one may not be told otherwise.
func (p *Player) endReaders() {
	p.mu.Lock()
	var ends []func()
	for _, h := range p.open {
		if h.reader {
			ends = append(ends, h.end)
		}
	}
	p.mu.Unlock()
	for _, end := range ends {
		end()
	}
}
