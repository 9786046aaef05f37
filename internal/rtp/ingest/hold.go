package ingest

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/depacketizer"
	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/media"
)

const (
	// waitSettled is how long what comes first is held back, from when all tracks have come: by then it shows how they lie.
	waitSettled = 200 * time.Millisecond
	// waitReports is how long a source that begins with a burst is held back, until it reports how they do; and any, until
	// all its tracks have come.
	waitReports = time.Second
	// burst is how far ahead of the time of its arrival something has to be to show a burst.
	burst = 250 * time.Millisecond
	// maxHeld and maxHeldBytes bound what is held back.
	maxHeld      = 4096
	maxHeldBytes = 8 << 20
)

// hold is what waits until the tracks are known and their clocks placed.
type hold struct {
	units  []heldUnit
	bytes  int
	bursts bool        // the source has begun with one
	timer  *time.Timer // ends the wait when nothing comes; nil before the first unit
	first  time.Time   // when that came
	placed bool        // nothing is held back any more
	closed bool
}

type heldUnit struct {
	track *track
	unit  depacketizer.Unit
	at    time.Time
}

// keep holds a unit back. Without room for a picture, those up to the next key frame are missing.
func (in *Ingest) keep(t *track, u *depacketizer.Unit, now time.Time) {
	h := &in.hold
	if len(h.units) >= maxHeld || h.bytes+len(u.Data) > maxHeldBytes {
		t.gap = t.media.Codec.Video()
		return
	}
	if len(h.units) == 0 {
		h.first = now
		h.timer = time.AfterFunc(waitSettled, in.expire)
	}
	if !t.came {
		t.firstStamp, t.firstAt = u.Stamp, now
	}
	ticks := int64(int32(u.Stamp - t.firstStamp))
	came := time.Duration(ticks) * time.Second / time.Duration(max(t.rate, 1))
	h.bursts = h.bursts || time.Duration(float64(came)/in.speed)-now.Sub(t.firstAt) > burst
	h.units = append(h.units, heldUnit{t, *u, now})
	h.bytes += len(u.Data)
}

// settled reports whether it is known how the tracks lie, or the wait for that is over.
func (in *Ingest) settled(now time.Time) bool {
	h, usable, reported, missing := &in.hold, 0, 0, false
	last := h.first // when the last of the tracks came
	for _, t := range in.tracks {
		if t.depack == nil {
			continue
		}
		usable++
		switch {
		case !t.came:
			missing = true
			continue
		case in.clock.Reported(t.index):
			reported++
		}
		if t.firstAt.After(last) {
			last = t.firstAt
		}
	}
	until, longest := last.Add(waitSettled), h.first.Add(waitReports)
	if missing || h.bursts || until.After(longest) {
		until = longest
	}
	return usable < 2 || reported == usable || h.closed || !now.Before(until) || len(h.units) >= maxHeld || h.bytes >= maxHeldBytes/2
}

// release passes on what was held back, as soon as the tracks are known and lie still.
func (in *Ingest) release(now time.Time) {
	if !in.hold.placed && in.settled(now) {
		in.place()
	}
}

// place passes it on, as soon as the tracks are known.
func (in *Ingest) place() {
	h := &in.hold
	if h.placed || !in.known || len(h.units) == 0 {
		return
	}
	heard := make([][]receiver.Arrival, len(in.tracks))
	for i := range h.units {
		u := &h.units[i]
		heard[u.track.index] = append(heard[u.track.index], receiver.Arrival{Stamp: u.unit.Stamp, At: u.at})
	}
	in.clock.Place(heard)
	packets := make([]*media.Packet, len(h.units))
	for i := range h.units {
		u := &h.units[i]
		packets[i] = in.stamp(u.track, &u.unit, u.at)
	}
	slices.SortStableFunc(packets, func(a, b *media.Packet) int { return cmp.Compare(a.DTS, b.DTS) })
	for _, p := range packets {
		in.write(p)
	}
	h.timer.Stop()
	h.units, h.placed = nil, true
}

// expire ends the wait for what does not come.
func (in *Ingest) expire() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.hold.timer == nil { // it was of what came before a restart
		return
	}
	now := time.Now()
	in.release(now)
	if rest := waitReports - now.Sub(in.hold.first); !in.hold.placed && !in.hold.closed && rest > 0 {
		in.hold.timer.Reset(rest)
	}
}

// Close passes on what is held back, and holds nothing back any more. What comes afterwards is still taken.
func (in *Ingest) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.hold.closed = true
	if in.hold.timer != nil {
		in.hold.timer.Stop()
	}
	in.release(time.Now())
}
