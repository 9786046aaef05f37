package media

import (
	"maps"
	"slices"
	"time"
)

const (
	// videoStart is the least distance of the key frames at which readers start. Without it, the log of a
	// stream whose every picture is a key frame would hold two pictures, and any hiccup would skip some.
	videoStart = 400 * time.Millisecond
	// audioStart is how far apart the points are at which a reader can start in a stream without video.
	audioStart = time.Second
	// noStart is long before any start.
	noStart = -time.Hour
)

func (st *Stream) setTracks(p *Publisher, tracks []*Track) error {
	tracks, left := st.admitTracks(tracks)
	st.mu.Lock()
	if st.publisher != p {
		st.mu.Unlock()
		return st.over(p)
	}
	news := len(left) > len(st.unwanted)
	st.unwanted = left
	tracks = st.addMute(tracks)
	st.describe(func(d *Description) {
		d.Tracks = slices.Clone(tracks)
		if d.Epoch.IsZero() {
			d.Epoch = time.Now()
		}
	})
	st.forget(tracks)
	first := !st.isKnown()
	st.mu.Unlock()
	if news {
		p.logger().Info("tracks left out, as the stream's options say", "tracks", codecNames(left))
	}
	if first {
		st.server.register(st)
		st.setKnown() // whoever has waited for the tracks finds the stream
	} else {
		st.server.reconsider(st)
	}
	return nil
}

// forget drops what is kept of tracks other than these. st.mu is held.
func (st *Stream) forget(tracks []*Track) {
	gone := func(id int) bool { return !slices.ContainsFunc(tracks, func(t *Track) bool { return t.ID == id }) }
	maps.DeleteFunc(st.timeline.tracks, func(id int, _ *trackClock) bool { return gone(id) })
	maps.DeleteFunc(st.counters.tracks, func(id int, _ *trackCounter) bool { return gone(id) })
}

// over says why p does not publish any more.
func (st *Stream) over(p *Publisher) error {
	if err := p.Err(); err != nil {
		return err
	}
	return ErrPublisherClosed
}

// describe replaces the description by a changed copy, and tells the muxers. st.mu is held.
func (st *Stream) describe(change func(*Description)) {
	st.pacer.flush() // what waits belongs to the description there was
	d := *st.Description()
	change(&d)
	st.desc.Store(&d)
	st.lastStart = noStart // nobody should start with what this description does not fit
	st.lead = nil
	for _, t := range d.Tracks {
		if t.Codec.Video() {
			st.lead = t
			break
		}
	}
	for _, o := range st.outputs {
		o.changed = true
	}
}

func (st *Stream) write(p *Publisher, pkt *Packet) error {
	if pkt.Track == nil || len(pkt.Data) == 0 {
		return ErrUnknownTrack
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.publisher != p {
		return st.over(p)
	}
	if err := st.recognise(pkt.Track); err != nil {
		if st.isLeft(pkt.Track) {
			return nil
		}
		return err
	}
	p.checkUnits(pkt)
	p.payload += uint64(len(pkt.Data))
	begins, now := !st.timeline.started, time.Now()
	st.timeline.stamp(pkt, now)
	if begins && st.timeline.mode == stampsOfSource { // the stream does not begin at zero
		st.describe(func(d *Description) { d.Epoch = now.Add(-pkt.DTS) })
	}
	if st.pacer != nil {
		st.pacer.push(pkt, now)
	} else {
		st.deliver(pkt)
	}
	return nil
}

// deliver gives a stamped packet of the publisher's to whoever reads the stream. st.mu is held.
func (st *Stream) deliver(pkt *Packet) {
	st.put(pkt)
	if st.mute != nil {
		st.keepMute(pkt.DTS)
	}
}

// put gives a stamped packet to the log and the outputs. st.mu is held.
func (st *Stream) put(pkt *Packet) { st.putAt(pkt, st.isStart(pkt)) }

// putAt does so with a packet at which a reader can start, or not. st.mu is held.
func (st *Stream) putAt(pkt *Packet, start bool) {
	st.counters.count(pkt)
	st.epoch.saw(pkt.DTS, time.Now())
	st.past.newest = pkt.DTS
	if start {
		st.remember(pkt.DTS)
	}
	st.packets.Append(pkt, len(pkt.Data), start)
	st.group.Wake()
	for _, o := range st.outputs {
		o.write(pkt, start)
	}
}

// recognise reports whether the stream has the track, after taking over a new description of it.
func (st *Stream) recognise(t *Track) error {
	for i, known := range st.Description().Tracks {
		if known == t {
			return nil
		}
		if known.ID != t.ID {
			continue
		}
		if err := checkConfig(t); err != nil {
			return err
		}
		st.describe(func(d *Description) {
			d.Tracks = slices.Clone(d.Tracks)
			d.Tracks[i] = t
		})
		return nil
	}
	return ErrUnknownTrack
}

// isStart reports whether a reader can start at p: at a key frame of the first video track, or now and then
// in a stream that has none.
func (st *Stream) isStart(p *Packet) bool {
	apart := audioStart
	if st.lead != nil {
		if !p.Key || p.Track.ID != st.lead.ID {
			return false
		}
		apart = videoStart
	}
	if p.DTS >= st.lastStart && p.DTS < st.lastStart+apart {
		return false
	}
	st.lastStart = p.DTS
	return true
}
