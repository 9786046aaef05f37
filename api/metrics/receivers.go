package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/gb28181"
)

// Receivers lists the senders of RTP whose streams are live. *gb28181.Server does.
type Receivers interface {
	Receivers() []gb28181.ReceiverStatus
}

// perReceiver are the figures of what comes by RTP.
type perReceiver struct {
	count, packets, jitter *prometheus.Desc
}

func newPerReceiver() perReceiver {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_rtp_receiver"+name, help, labels, nil)
	}
	return perReceiver{
		count:   desc("s", "Streams that come by RTP without a session."),
		packets: desc("_packets_total", "RTP packets by what became of them.", "stream", "fate"),
		jitter:  desc("_jitter_seconds", "Mean deviation of the distances at which packets come (RFC 3550).", "stream"),
	}
}

func (d *perReceiver) describe(out chan<- *prometheus.Desc) {
	for _, one := range []*prometheus.Desc{d.count, d.packets, d.jitter} {
		out <- one
	}
}

// collect sends the figures of all, and those of each for so many.
func (d *perReceiver) collect(s sender, all []gb28181.ReceiverStatus, limit int) {
	s.gauge(d.count, float64(len(all)))
	seen := map[string]bool{}
	for _, x := range all {
		stream := cutLabel(x.Stream.String())
		if len(seen) >= limit || seen[stream] {
			continue
		}
		seen[stream] = true
		for fate, n := range map[string]uint64{
			"received": x.Received, "lost": x.Lost, "duplicate": x.Duplicate, "late": x.Late, "reordered": x.Reordered,
		} {
			s.counter(d.packets, n, stream, fate)
		}
		s.gauge(d.jitter, x.Jitter.Seconds(), stream)
	}
}
