package receiver

import (
	"slices"
	"time"
)

// maxBurst is how much a source may send at once; a timestamp that is further ahead is no guide.
const maxBurst = time.Minute

// Arrival is when a timestamp came.
type Arrival struct {
	Stamp uint32
	At    time.Time
}

// Reported reports whether a sender report of a track has come.
func (c *Clock) Reported(track int) bool {
	t := c.tracks[track]
	return t.reported || t.early.set
}

// Place begins tracks, given what has come of each, in the order in which it came: by their sender reports, and as far
// as there are none by their latest packets. A source that sends at once what it has kept is past that then, whereas the
// first packets that come are no guide.
func (c *Clock) Place(heard [][]Arrival) {
	var zero time.Time
	for i, list := range heard {
		if len(list) == 0 || c.tracks[i].begun {
			continue
		}
		if t := c.tracks[i]; c.lead == nil || t.video && !c.lead.video {
			c.lead = t
		}
		if zero.IsZero() || list[0].At.Before(zero) {
			zero = list[0].At
		}
	}
	least := maxBurst
	for i, list := range heard {
		if t := c.tracks[i]; len(list) > 0 && !t.begun {
			t.place(list, zero)
			least = min(least, t.offset)
		}
	}
	for i, list := range heard {
		if len(list) > 0 {
			c.tracks[i].offset -= least
		}
	}
	c.settle(heard)
}

// place puts a track where its least delay is none.
func (t *clockTrack) place(list []Arrival, zero time.Time) {
	first := list[0].Stamp
	t.begun, t.last, t.ticks, t.first = true, first, int64(first), int64(first)
	t.arrived = list[0].At
	t.offset = maxBurst
	for i, at := range t.decoded(list) {
		delay := list[i].At.Sub(zero) - at
		if delay > -maxBurst && delay < t.offset {
			t.offset = delay
		}
	}
}

// decoded returns when what came is to be decoded, since the first timestamp: a source sends then, not when it shows it.
func (t *clockTrack) decoded(list []Arrival) []time.Duration {
	shown := make([]time.Duration, len(list))
	for i, a := range list {
		shown[i] = t.duration(int64(int32(a.Stamp - list[0].Stamp)))
	}
	if !t.video {
		return shown
	}
	sorted := slices.Sorted(slices.Values(shown))
	late := time.Duration(0)
	for i := range sorted {
		late = max(late, sorted[i]-shown[i])
	}
	for i := range sorted {
		sorted[i] -= late
	}
	return sorted
}

// settle moves tracks that were placed to where their reports put them.
func (c *Clock) settle(heard [][]Arrival) {
	for i, list := range heard {
		t := c.tracks[i]
		if len(list) == 0 {
			continue
		}
		t.want, t.newest = t.offset, t.offset
		if t.early.set {
			t.report(t.early.ntp, t.early.stamp)
		}
	}
	for i, list := range heard {
		if t := c.tracks[i]; len(list) > 0 && t != c.lead {
			c.follow(t)
			t.offset, t.newest = t.want, t.want
		}
	}
}
