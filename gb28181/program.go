package gb28181

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/mpegps"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/media"
)

// programRate is the rate of RTP timestamps of MPEG-PS and MPEG-TS, in Hz (RFC 2250, 2).
const programRate = 90000

// demuxer makes a stream of MPEG-PS or MPEG-TS.
type demuxer interface {
	Write(b []byte) (int, error)
	Lose()
	Break() error
	Close() error
}

// program takes MPEG-PS and MPEG-TS.
type program struct {
	filter *filter
	seq    *receiver.Sequencer
	demux  demuxer
	at     func(time.Duration) // says when what follows is due; nil if nobody wants to know
	log    *slog.Logger
	failed bool // it has been said

	begun    bool
	last     uint16 // sequence number that came last
	anew     bool   // the next packet is of another source
	stamp    uint32
	ticks    int64 // of stamp, unrolled
	counted  time.Time
	reported time.Time
	ssrc     uint32 // of reports
}

func newProgram(pub *media.Publisher, c inflowConfig) *program {
	p := &program{filter: &filter{pub: pub, wanted: c.wanted}, log: c.log, ssrc: rand.Uint32()}
	cfg := receiver.SequencerConfig{ClockRate: programRate}
	if c.unreliable {
		cfg.Reorder = reorder
	}
	p.seq = receiver.NewSequencer(cfg)
	warn := func(err error) { c.log.Warn("left out of what comes by RTP", "err", err) }
	if c.kind == transportStream {
		p.demux = mpegts.NewDemuxer(p.filter, warn)
		return p
	}
	d := mpegps.NewDemuxer(p.filter, warn)
	p.demux, p.at = d, d.At
	return p
}

func (p *program) packet(b []byte, now time.Time) (waits bool) {
	var x rtp.Packet
	if err := x.Unmarshal(b); err != nil {
		return p.seq.Waits()
	}
	if p.anew { // it goes on if its numbers do
		p.seq.Restart(x.SequenceNumber != p.last+1)
		p.anew, p.begun = false, false
	}
	p.last = x.SequenceNumber
	p.deliver(p.seq.Push(x, now))
	p.count(now)
	return p.seq.Waits()
}

func (p *program) flush(now time.Time) (waits bool) {
	p.deliver(p.seq.Flush(now))
	return p.seq.Waits()
}

func (p *program) deliver(packets []receiver.Packet) {
	for i := range packets {
		x := &packets[i]
		if x.Lost {
			p.demux.Lose()
		}
		if p.at != nil && (!p.begun || x.Timestamp != p.stamp) {
			p.due(x.Timestamp)
		}
		if _, err := p.demux.Write(x.Payload); err != nil {
			p.fail(err)
		}
	}
}

// due says when what follows is. A stamp far from the last is of a clock that has begun anew, and goes on from it.
func (p *program) due(stamp uint32) {
	const most = 10 * programRate
	if diff := int64(int32(stamp - p.stamp)); p.begun && diff < most && diff > -most {
		p.ticks += diff
	}
	p.begun, p.stamp = true, stamp
	p.at(time.Duration(p.ticks) * time.Second / programRate)
}

// fail says once why nothing can be made of what comes. That the publisher has ended is seen elsewhere.
func (p *program) fail(err error) {
	if !p.failed && p.filter.pub.Err() == nil {
		p.log.Warn("RTP that cannot be used", "err", err)
	}
	p.failed = true
}

// count tells what was lost now and then.
func (p *program) count(now time.Time) {
	if now.Sub(p.counted) < statsEvery {
		return
	}
	p.counted = now
	stats := p.seq.Stats()
	p.filter.arrived(stats.Received, stats.Lost)
}

func (p *program) report(b []byte, now time.Time, reply func([]byte) error) {
	list, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	for _, x := range list {
		if sr, ok := x.(*rtcp.SenderReport); ok {
			p.seq.SenderReport(sr.NTPTime, sr.RTPTime, now)
		}
	}
	if reply == nil || now.Sub(p.reported) < reportsEvery {
		return
	}
	p.reported = now
	if out := p.seq.AppendReceiverReport(nil, p.ssrc, now); len(out) > 0 {
		_ = reply(out) // the next one may arrive
	}
}

func (p *program) restart() { p.anew = true }

func (p *program) torn() { p.demux.Lose() }

func (p *program) close() {
	if err := p.demux.Close(); err != nil {
		p.fail(err)
	}
}
