package receiver

import (
	"math"
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
			c.tracks[i].offset += c.base - least
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
	for i, at := range t.sent(list) {
		delay := list[i].At.Sub(zero) - at
		if delay > -maxBurst && delay < t.offset {
			t.offset = delay
		}
	}
}

// sent returns when what came was sent, if it was without delay, since the first timestamp. That is when it is shown, but
// where pictures are not shown in the order in which they come: an encoder sends a picture when it was taken and those that
// are shown before it right behind it, and what reads a file sends each when it is to be decoded. What came last, which
// belongs to no burst, tells which of them it is. Of the very last that is not known.
func (t *clockTrack) sent(list []Arrival) []time.Duration {
	shown := make([]time.Duration, len(list))
	for i, a := range list {
		shown[i] = t.duration(int64(int32(a.Stamp - list[0].Stamp)))
	}
	if !t.video || slices.IsSorted(shown) {
		return shown
	}
	sure := len(shown) - depth(shown)
	taken, decoded := taken(shown)[:sure], decoded(shown)[:sure]
	if spread(list, decoded) < spread(list, taken) {
		return decoded
	}
	return taken
}

// taken returns the times at which an encoder has what it sends.
func taken(shown []time.Duration) []time.Duration {
	latest := slices.Clone(shown)
	for i := 1; i < len(latest); i++ {
		latest[i] = max(latest[i], latest[i-1])
	}
	return latest
}

// depth returns how many pictures come at most before one and are shown after it.
func depth(shown []time.Duration) (most int) {
	for i, at := range shown {
		later := 0
		for _, before := range shown[max(i-maxDepth, 0):i] {
			if before > at {
				later++
			}
		}
		most = max(most, later)
	}
	return most
}

// decoded returns the times at which pictures are to be decoded, but for those at the end, before which pictures may be
// shown that have not come.
func decoded(shown []time.Duration) []time.Duration {
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

// recent is what of the latest arrivals tells how a source sends.
const recent = 200 * time.Millisecond

// spread returns how much the delays of the latest arrivals differ, if they were sent at such times.
func spread(list []Arrival, sent []time.Duration) time.Duration {
	last := len(sent) - 1
	least, most := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	for i := last; i >= 0 && list[last].At.Sub(list[i].At) <= recent; i-- {
		delay := list[i].At.Sub(list[0].At) - sent[i]
		least, most = min(least, delay), max(most, delay)
	}
	return most - least
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
