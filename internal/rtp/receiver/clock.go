package receiver

import "time"

const (
	// maxApart is how far reports may put two tracks from where their arrival puts them, to be believed.
	maxApart = 5 * time.Second
	// maxSlew is how far a track is moved step by step; what is more is done at once.
	maxSlew = 200 * time.Millisecond
	// slewStep is how far a track is moved with each stamp.
	slewStep = time.Millisecond
	// maxRate bounds clock rates, in Hz.
	maxRate = 1_000_000
	// ntpEpoch is 1970 in the seconds of NTP, which count from 1900.
	ntpEpoch = 2208988800
)

// Clock turns the RTP timestamps of several tracks into times on one base, so that they are in step: by their
// sender reports (RFC 3550, 6.4.1), or until there are some by when packets arrive. It is for one goroutine at
// a time.
type Clock struct {
	tracks []*clockTrack
	lead   *clockTrack   // which the others follow: video if there is some, else the track that came first
	base   time.Duration // of what begins first
}

type clockTrack struct {
	rate    int64
	speed   float64 // of timestamps: how many seconds of theirs come in one
	video   bool
	begun   bool
	last    uint32        // newest timestamp
	ticks   int64         // of last, unrolled
	first   int64         // ticks of the first
	offset  time.Duration // of the first
	newest  time.Duration // latest time given
	arrived time.Time     // when that was
	want    time.Duration // where offset should be
	distant bool          // its reports contradict its arrival and are not followed

	reported    bool
	reportTicks int64
	reportNTP   time.Duration // since the epoch of NTP
	early       struct {
		set   bool
		ntp   time.Duration
		stamp uint32
	} // a report that came before any packet
}

// NewClock returns a clock without tracks.
func NewClock() *Clock { return &Clock{} }

// AddTrack adds a track whose timestamps count rate ticks a second, and returns its index. When tracks have to be
// moved to be in step, it is not video, whose pictures refer to one another.
func (c *Clock) AddTrack(rate int, video bool) int {
	c.tracks = append(c.tracks, &clockTrack{rate: int64(min(max(rate, 1), maxRate)), speed: 1, video: video})
	return len(c.tracks) - 1
}

// Restart says that timestamps have nothing to do with those before, as after a seek, and come speed times as fast as in real time
// from now on. Times go on behind the latest, in real time.
func (c *Clock) Restart(speed float64) {
	for i, t := range c.tracks {
		if t.begun {
			c.base = max(c.base, t.newest+usualPicture)
		}
		c.tracks[i] = &clockTrack{rate: t.rate, speed: speed, video: t.video}
	}
	c.lead = nil
}

// duration converts ticks without overflow.
func (t *clockTrack) duration(ticks int64) time.Duration {
	d := time.Duration(ticks/t.rate)*time.Second + time.Duration(ticks%t.rate)*time.Second/time.Duration(t.rate)
	if t.speed != 1 {
		return time.Duration(float64(d) / t.speed)
	}
	return d
}

// unroll returns the ticks of a timestamp, which may lie before the newest.
func (t *clockTrack) unroll(stamp uint32) int64 { return t.ticks + int64(int32(stamp-t.last)) }

// ntpTime is the time since 1900 of an NTP timestamp: 32 bits of seconds and 32 of their fraction.
func ntpTime(ntp uint64) time.Duration {
	return time.Duration(ntp>>32)*time.Second + time.Duration((ntp&0xffffffff)*uint64(time.Second)>>32)
}

// SenderReport notes that a timestamp of a track belongs to a wall clock time.
func (c *Clock) SenderReport(track int, ntp uint64, stamp uint32) {
	t := c.tracks[track]
	if ntp == 0 {
		return
	}
	if !t.begun {
		t.early.set, t.early.ntp, t.early.stamp = true, ntpTime(ntp), stamp
		return
	}
	t.report(ntpTime(ntp), stamp)
	c.align(t)
}

func (t *clockTrack) report(ntp time.Duration, stamp uint32) {
	t.reported, t.reportNTP, t.reportTicks = true, ntp, t.unroll(stamp)
}

// At returns the presentation time of a timestamp that arrives now.
func (c *Clock) At(track int, stamp uint32, now time.Time) time.Duration {
	t := c.tracks[track]
	if !t.begun {
		c.begin(t, stamp, now)
	}
	ticks := t.unroll(stamp)
	if int32(stamp-t.last) > 0 {
		t.last, t.ticks = stamp, ticks
	}
	t.slew()
	at := t.offset + t.duration(ticks-t.first)
	if at >= t.newest {
		t.newest, t.arrived = at, now
	}
	return at
}

// begin places the first timestamp of a track.
func (c *Clock) begin(t *clockTrack, stamp uint32, now time.Time) {
	t.begun, t.last, t.ticks, t.first, t.offset = true, stamp, int64(stamp), int64(stamp), c.base
	if c.lead != nil {
		t.offset = c.lead.newest + min(max(now.Sub(c.lead.arrived), 0), maxApart)
		if t.early.set && c.lead.reported { // it can be placed exactly
			t.report(t.early.ntp, t.early.stamp)
			t.want = t.offset
			c.follow(t)
			t.offset = t.want
		}
	}
	if c.lead == nil || t.video && !c.lead.video {
		c.lead = t
	}
	t.want, t.newest, t.arrived = t.offset, t.offset, now
	if t.early.set {
		t.report(t.early.ntp, t.early.stamp)
	}
	c.align(t)
}

// align moves tracks to where the reports put them.
func (c *Clock) align(t *clockTrack) {
	if t != c.lead {
		c.follow(t)
		return
	}
	for _, other := range c.tracks {
		if other != t && other.begun {
			c.follow(other)
		}
	}
}

// follow moves a track to where its report and that of the leading one put it.
func (c *Clock) follow(t *clockTrack) {
	lead := c.lead
	if !t.reported || !lead.reported || t.distant {
		return
	}
	// The leading track was at this time when the track's report was made.
	at := lead.offset + lead.duration(lead.reportTicks-lead.first) + t.reportNTP - lead.reportNTP
	want := at - t.duration(t.reportTicks-t.first)
	if apart := want - t.want; apart > maxApart || apart < -maxApart {
		t.distant = true
		return
	}
	t.want = want
	if apart := want - t.offset; apart > maxSlew || apart < -maxSlew {
		t.newest += apart
		t.offset = want
	}
}

// slew moves a track a little towards where it should be.
func (t *clockTrack) slew() {
	t.offset += min(max(t.want-t.offset, -slewStep), slewStep)
}

// NTP returns the wall clock time of a timestamp by the track's newest report, or zero if there is none.
func (c *Clock) NTP(track int, stamp uint32) time.Time {
	t := c.tracks[track]
	if !t.reported {
		return time.Time{}
	}
	since := t.reportNTP + t.duration(t.unroll(stamp)-t.reportTicks)
	return time.Unix(-ntpEpoch, 0).Add(since)
}
