// Package metrics shows the figures of a media server to Prometheus.
package metrics

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-media/sluice/media"
)

// Config of a [Collector]. The zero value works.
type Config struct {
	// MaxStreams is how many streams have figures of their own at most, the oldest; what is left is counted, and is part
	// of the sums. 0 means 1000, less than 0 none: then nothing carries a name that a client could choose.
	MaxStreams int
	// Relays has the pulls and pushes, of which as many have figures of their own. Nil has none.
	Relays Relays
	// Receivers has what comes by RTP without a session, of which as many have figures of their own. Nil has none.
	Receivers Receivers
}

const defaultMaxStreams = 1000

// NewHandler returns a handler that answers with the figures of m, in a registry of its own. It asks nobody for a
// secret: mount it behind whatever protects the service, such as api.Handler.Protect.
func NewHandler(m *media.Server, cfg Config) (http.Handler, error) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(NewCollector(m, cfg)); err != nil {
		return nil, err
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

// Collector collects the figures of a media server, for a registry of the host's. The names of streams in it are cut to
// 128 bytes.
type Collector struct {
	media      *media.Server
	maxStreams int
	perStream  perStream
	relays     Relays
	perRelay   perRelay
	receivers  Receivers
	perReceive perReceiver

	streams, unnamed, sessions, readers               *prometheus.Desc
	received, sent, skipped, lost                     *prometheus.Desc
	hookSeconds, hookFailures, fanOutBusy, fanOutLate *prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a collector of m's figures.
func NewCollector(m *media.Server, cfg Config) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_"+name, help, labels, nil)
	}
	return &Collector{
		media:        m,
		maxStreams:   max(cmp.Or(cfg.MaxStreams, defaultMaxStreams), 0),
		perStream:    newPerStream(),
		relays:       cfg.Relays,
		perRelay:     newPerRelay(),
		receivers:    cfg.Receivers,
		perReceive:   newPerReceiver(),
		streams:      desc("streams", "Streams that are live."),
		unnamed:      desc("streams_without_figures", "Streams that are live and have no figures of their own."),
		sessions:     desc("sessions", "Connected peers.", "protocol"),
		readers:      desc("readers", "Players of live streams.", "schema"),
		received:     desc("received_bytes_total", "Bytes that came from peers."),
		sent:         desc("sent_bytes_total", "Bytes that went to peers."),
		skipped:      desc("skipped_packets_total", "Packets passed over for players that read too slowly."),
		lost:         desc("lost_packets_total", "Packets lost on the way from publishers and to players, as far as protocols tell."),
		hookSeconds:  desc("hook_seconds", "Time that hooks took, and how often they were asked or told.", "event"),
		hookFailures: desc("hook_failures_total", "Hooks that failed or panicked; refusals are none.", "event"),
		fanOutBusy:   desc("fanout_busy_ratio", "Share of the last second in which a goroutine that writes to players worked.", "loop"),
		fanOutLate:   desc("fanout_late_seconds", "Longest that something waited for a goroutine that writes to players, in the last second.", "loop"),
	}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.streams, c.unnamed, c.sessions, c.readers, c.received, c.sent, c.skipped, c.lost, c.hookSeconds, c.hookFailures, c.fanOutBusy, c.fanOutLate,
	} {
		out <- d
	}
	c.perStream.describe(out)
	c.perRelay.describe(out)
	c.perReceive.describe(out)
}

// sender sends figures to a registry.
type sender chan<- prometheus.Metric

func (s sender) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s sender) counter(d *prometheus.Desc, v uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	gauge, counter := sender(out).gauge, sender(out).counter
	c.collectStreams(sender(out))
	if c.relays != nil {
		c.perRelay.collect(sender(out), "pull", c.relays.Pulls(), c.maxStreams)
		c.perRelay.collect(sender(out), "push", c.relays.Pushes(), c.maxStreams)
	}
	if c.receivers != nil {
		c.perReceive.collect(sender(out), c.receivers.Receivers(), c.maxStreams)
	}
	for protocol, n := range c.countSessions() {
		gauge(c.sessions, float64(n), protocol)
	}
	traffic := c.media.Traffic()
	counter(c.received, traffic.Received)
	counter(c.sent, traffic.Sent)
	counter(c.skipped, traffic.Skipped)
	counter(c.lost, traffic.Lost)
	for event, s := range c.media.HookStats() {
		out <- prometheus.MustNewConstSummary(c.hookSeconds, s.Calls, s.Time.Seconds(), nil, event)
		counter(c.hookFailures, s.Failures, event)
	}
	for _, l := range c.media.Loads() {
		gauge(c.fanOutBusy, l.Busy, l.Name)
		gauge(c.fanOutLate, l.Late.Seconds(), l.Name)
	}
}

func (c *Collector) collectStreams(s sender) {
	streams, readers := slices.Collect(c.media.Streams()), map[string]int{}
	for _, st := range streams {
		for _, schema := range st.Schemas() {
			here, _ := st.Readers(schema)
			readers[schema] += here
		}
	}
	s.gauge(c.streams, float64(len(streams)))
	for schema, n := range readers {
		s.gauge(c.readers, float64(n), schema)
	}
	named := chosen(streams, c.maxStreams)
	for l, st := range named {
		c.perStream.collect(s, l, st)
	}
	s.gauge(c.unnamed, float64(len(streams)-len(named)))
}

func (c *Collector) countSessions() map[string]int {
	counts := map[string]int{}
	for x := range c.media.Sessions() {
		if x.Info().Remote.IsValid() {
			counts[x.Info().Protocol]++
		}
	}
	return counts
}
