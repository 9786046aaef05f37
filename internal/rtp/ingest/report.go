package ingest

import (
	"log/slog"
	"time"

	"github.com/pion/rtcp"

	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

const (
	// receiverReportEvery is the distance of receiver reports, and statsEvery that of figures for the stream.
	receiverReportEvery = 5 * time.Second
	statsEvery          = time.Second
)

// Report takes an RTCP packet.
func (in *Ingest) Report(index int, b []byte, now time.Time) {
	list, err := rtcp.Unmarshal(b)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.arrive()
	t := in.tracks[index]
	if err != nil {
		in.fault(t, err)
		return
	}
	for _, p := range list {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			in.clock.SenderReport(t.index, p.NTPTime, p.RTPTime)
			t.seq.SenderReport(p.NTPTime, p.RTPTime, now)
			in.release(now)
		case *rtcp.Goodbye:
			in.goodbye(t)
		}
	}
}

// goodbye notes that a track has ended.
func (in *Ingest) goodbye(t *track) {
	t.ended = true
	for _, other := range in.tracks {
		if !other.ended {
			return
		}
	}
	if in.opts.Bye != nil {
		in.opts.Bye()
	}
}

// acknowledge sends a receiver report now and then.
func (in *Ingest) acknowledge(t *track, now time.Time) {
	if t.reports == nil || now.Sub(t.reported) < receiverReportEvery {
		return
	}
	t.reported = now
	report := t.seq.AppendReceiverReport(nil, t.ssrc, now)
	if len(report) > 0 {
		_ = t.reports(report) // the next one may arrive
	}
}

// fault counts what could not be used, and logs the first of it.
func (in *Ingest) fault(t *track, err error) {
	if in.broken == 0 {
		in.opts.Log.Info("RTP that cannot be used", "codec", t.media.Codec, "err", err)
	}
	in.broken++
}

// count tells the stream and the session now and then what was lost.
func (in *Ingest) count(t *track, now time.Time) {
	if now.Sub(t.counted) < statsEvery {
		return
	}
	t.counted = now
	stats := t.seq.Stats()
	in.pub.Arrived(t.media.ID, stats.Received, stats.Lost)
	lost := uint64(0)
	for _, other := range in.tracks {
		lost += other.seq.Stats().Lost
	}
	in.pub.Session().SetLost(lost)
}

// Stats returns the figures of the packets of a track.
func (in *Ingest) Stats(index int) receiver.Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.tracks[index].seq.Stats()
}

// codecName is what the codec of a media is called in the log; what is passed on as it is has the name of the description.
func codecName(m sdp.Media) slog.Value {
	if m.Track.Codec == media.RawRTP {
		return slog.StringValue(m.Encoding)
	}
	return m.Track.Codec.LogValue()
}
