package mux

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// reportEvery is how far apart sender reports are at most.
const reportEvery = 5 * time.Second

// audioStart is how far apart the starts of a stream without video are in media: each has its report in front.
const audioStart = time.Second

// reports says when sender reports are due: where players begin, and now and then. They tell the time of the packet
// that they precede, as the newest, so they are about the time at which they are sent.
type reports struct {
	clock wallClock
	lead  *media.Track // with whose key frames the stream starts; nil without video
	start time.Duration
	next  time.Duration // when the next are due at the latest
	owed  bool          // the stream has started, and no report says so yet
	begun bool          // start and next are known
}

// describe says that another description holds, with which a start comes.
func (r *reports) describe(d *media.Description) {
	r.clock.begin(d.Epoch)
	r.begun, r.lead = false, nil
	for _, t := range d.Tracks {
		if t.Codec.Video() {
			r.lead = t
			return
		}
	}
}

// saw notes a packet of any track of the stream.
func (r *reports) saw(p *media.Packet, now time.Time) {
	r.clock.saw(p.DTS, now)
	if r.lead != nil && (!p.Key || p.Track.ID != r.lead.ID) {
		return
	}
	if r.lead != nil || !r.begun || p.DTS >= r.start+audioStart {
		r.begun, r.owed, r.start = true, true, p.DTS
	}
}

// due reports whether reports have to be in front of a packet. If so, they are from then on not.
func (r *reports) due(at time.Duration, now time.Time) bool {
	if !r.owed && (!r.begun || at < r.next) {
		return false
	}
	r.clock.adjust(now)
	r.owed, r.next = false, at+reportEvery
	return true
}
