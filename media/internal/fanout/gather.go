package fanout

// gather collects in s what goes out next. It returns false when nothing does; otherwise the caller leaves the gate as soon
// as it is certain which of the items go out.
func (f *Feed) gather(s *Scratch) bool {
	s.reset()
	f.member.next.Store(f.cursor.next) // what came before has gone out
	sig := f.signals.Load()
	if sig&signalClose != 0 {
		return false
	}
	if len(f.pending) == 0 && sig&signalInsert != 0 {
		f.pending = f.takeInserts()
	}
	if len(f.pending) > 0 {
		s.addBytes(f.pending)
		s.front, f.pending = len(f.pending), nil
	}
	if sig&(signalRestart|signalPaused) == signalRestart {
		f.signals.And(^signalRestart)
		f.cursor.Restart()
	}
	f.cursor.enter(f.gate)
	switch {
	case sig&(signalPaused|signalHeld|signalFinish) == 0:
		f.gatherItems(s)
	case sig&signalPaused != 0:
		f.pace.caughtUp() // it goes on at the newest start point
	}
	if s.size == 0 {
		f.cursor.leave(f.gate)
	}
	return s.size > 0
}

// gatherItems moves items from the log to s, as far as they follow each other.
func (f *Feed) gatherItems(s *Scratch) {
	for !s.full() {
		e, jumped := f.cursor.peek()
		if e == nil {
			f.pace.caughtUp()
		}
		if e == nil || jumped && s.taken > 0 || f.pace != nil && f.pace.holds(&e.value, jumped, f.pumpNow) {
			break
		}
		if jumped {
			if f.disconnect && f.cursor.skipped > 0 {
				break
			}
			s.from, s.jump = f.intro, true
			s.introduce(f.intro, e.value.Intro)
			f.intro = e.value.Intro
		}
		s.addItem(e.seq, &e.value)
		f.cursor.take()
	}
	if f.skipped != nil && f.cursor.skipped > 0 {
		f.skipped.Store(f.cursor.skipped)
	}
}

// introduce adds what a reader needs that had one intro, or none, and begins or goes on at an item with another.
func (s *Scratch) introduce(before, intro *Intro) {
	switch {
	case intro == nil || intro == before:
	case before == nil && len(intro.Header) > 0:
		s.addBytes(intro.Header)
	case before != nil && len(intro.Change) > 0:
		s.addBytes(intro.Change)
	}
}

func (f *Feed) takeInserts() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signals.And(^signalInsert)
	b := f.inserts
	f.inserts = nil
	return b
}

// wrote accounts for n bytes of s that went out, and keeps what must follow them.
func (f *Feed) wrote(s *Scratch, n int) {
	if f.sent != nil {
		f.sent.Add(uint64(n))
	}
	if n == s.size {
		return
	}
	rest, next, ok := s.cut(n)
	f.pending = rest
	if ok {
		f.cursor.next = next
	}
	if s.jump && n <= s.front { // the intro has not begun, and may come to be another
		f.intro, f.cursor.seeking = s.from, true
	}
}
