package ingest

import (
	"time"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/rtp/depacketizer"
	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/media"
)

// Packet takes an RTP packet. It does not keep b. It reports whether packets of the track wait for one that is missing, so
// that Flush has to be called every now and then.
func (in *Ingest) Packet(index int, b []byte, now time.Time) (waits bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.arrive()
	t := in.tracks[index]
	if t.depack == nil {
		return false
	}
	var p rtp.Packet
	if err := p.Unmarshal(b); err != nil {
		in.fault(t, err)
		return t.seq.Waits()
	}
	in.deliver(t, t.seq.Push(p, now), now)
	in.acknowledge(t, now)
	in.count(t, now)
	return t.seq.Waits()
}

// Flush passes on what has waited long enough, and reports whether more waits.
func (in *Ingest) Flush(index int, now time.Time) (waits bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.tracks[index]
	if t.depack != nil {
		in.deliver(t, t.seq.Flush(now), now)
	}
	return t.seq.Waits()
}

func (in *Ingest) deliver(t *track, packets []receiver.Packet, now time.Time) {
	for i := range packets {
		p := &packets[i]
		units, err := t.depack.Push(&p.Packet, p.Lost)
		if err != nil {
			in.fault(t, err)
		}
		t.gap = t.gap || p.Lost && t.media.Codec.Video()
		for j := range units {
			in.unit(t, &units[j], now)
		}
	}
}

// unit gives the stream a picture or an audio frame.
func (in *Ingest) unit(t *track, u *depacketizer.Unit, now time.Time) {
	if t.media.Codec.Video() && !in.opts.Torn {
		t.gap = (t.gap || u.Gap) && !u.Key
		if t.gap {
			return // it may refer to what is missing
		}
	}
	if in.hold.placed {
		in.write(in.stamp(t, u, now))
		in.measure(t, u.Stamp, now)
		return
	}
	in.keep(t, u, now)
	t.came = true
	_ = in.describe(now) // the publisher's end is seen elsewhere
	in.release(now)
}

// stamp makes a packet of a unit.
func (in *Ingest) stamp(t *track, u *depacketizer.Unit, now time.Time) *media.Packet {
	pts := in.clock.At(t.index, u.Stamp, now)
	p := &media.Packet{
		Track: u.Track, PTS: pts, DTS: pts, Key: u.Key, Data: u.Data,
		NTP: in.clock.NTP(t.index, u.Stamp),
	}
	if t.media.Codec == media.H264 || t.media.Codec == media.H265 {
		p.DTS = t.decodingTime(u.Track, pts)
	}
	return p
}

// decodingTime recovers the DTS, which RTP does not carry.
func (t *track) decodingTime(of *media.Track, pts time.Duration) time.Duration {
	if t.decoding == nil || t.depthOf != of {
		depth, known := 0, false
		if sets, _, err := h26x.Parse(of.Codec, of.Config); err == nil && len(sets.SPS) > 0 {
			depth, known = h26x.ReorderDepth(of.Codec, sets.SPS[0])
		}
		frame := time.Duration(0)
		if of.FPS > 0 {
			frame = time.Duration(float64(time.Second) / of.FPS)
		}
		t.decoding, t.depthOf = receiver.NewDecoding(depth, known, frame), of
	}
	return t.decoding.DTS(pts)
}

func (in *Ingest) write(p *media.Packet) { _ = in.pub.WritePacket(p) }
