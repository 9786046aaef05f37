package relay

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// meter counts what the sessions of a job have moved, one after the other.
type meter struct {
	session *media.Session
	before  uint64 // what those before have
	seen    uint64 // what there was when it was last asked, and when that was
	at      time.Time
	rate    uint64
}

// follow counts what a session moves.
func (m *meter) follow(x *media.Session) {
	if x != nil { // it is of no client here
		m.session, m.seen, m.at = x, m.before, x.Begun()
	}
}

// end stops counting.
func (m *meter) end() {
	if m.session != nil {
		m.before, m.session, m.rate = m.total(), nil, 0
	}
}

func (m *meter) total() uint64 {
	if m.session == nil {
		return m.before
	}
	received, sent := m.session.Bytes()
	if m.session.Player() != nil {
		return m.before + sent
	}
	return m.before + received
}

// now returns how much a second has moved since it was last asked, if that was not just now, and all that was moved.
func (m *meter) now() (rate, total uint64) {
	total = m.total()
	if passed := time.Since(m.at); m.session != nil && passed >= time.Second {
		m.rate = uint64(float64(total-m.seen) / passed.Seconds())
		m.seen, m.at = total, time.Now()
	}
	return m.rate, total
}
