package media

import "time"

const (
	// epochJump is how late packets may come before they are believed to be that late for good, as after a pause of
	// the source.
	epochJump = time.Second
	// epochSlew is the share of the time that passes by which the epoch follows packets that come later and later:
	// the clock of the source is slow.
	epochSlew = 1000
)

// epochClock tells at which time by the wall clock the DTS of a stream was 0, so that the newest packet is of now: its source
// counts by another clock, may begin with a burst, and may stand still. It is guarded by the stream's mutex.
type epochClock struct {
	at   time.Time
	seen time.Time // the last packet
}

// saw notes that a packet comes now.
func (e *epochClock) saw(dts time.Duration, now time.Time) {
	at := now.Add(-dts)
	late := at.Sub(e.at)
	switch {
	case e.at.IsZero(), late < 0, late > epochJump:
		e.at = at
	default:
		e.at = e.at.Add(min(late, now.Sub(e.seen)/epochSlew))
	}
	e.seen = now
}

// current returns the description as a muxer that begins now has to know it. st.mu is held.
func (st *Stream) current() *Description {
	d := *st.Description()
	if !st.epoch.at.IsZero() {
		d.Epoch = st.epoch.at
	}
	return &d
}

// Epoch is the wall clock at the start of the stream, where DTS is 0, so that its newest packet is of now. It follows the
// clock of the source; before the first packet it is that of the description.
func (st *Stream) Epoch() time.Time {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.current().Epoch
}
