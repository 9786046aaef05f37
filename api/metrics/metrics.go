// Package metrics shows the figures of a media server to Prometheus.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-media/sluice/media"
)

// NewHandler returns a handler that answers with the figures of m, in a registry of its own. It asks nobody for a
// secret: mount it behind whatever protects the service, such as api.Handler.Protect.
func NewHandler(m *media.Server) (http.Handler, error) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(NewCollector(m)); err != nil {
		return nil, err
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

// Collector collects the figures of a media server, for a registry of the host's. Nothing in it carries a name that a
// client could choose.
type Collector struct {
	media *media.Server

	streams, sessions, readers                        *prometheus.Desc
	received, sent, skipped, lost                     *prometheus.Desc
	hookSeconds, hookFailures, fanOutBusy, fanOutLate *prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a collector of m's figures.
func NewCollector(m *media.Server) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_"+name, help, labels, nil)
	}
	return &Collector{
		media:        m,
		streams:      desc("streams", "Streams that are live."),
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
		c.streams, c.sessions, c.readers, c.received, c.sent, c.skipped, c.lost, c.hookSeconds, c.hookFailures, c.fanOutBusy, c.fanOutLate,
	} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	streams, readers := c.countReaders()
	gauge(c.streams, float64(streams))
	for schema, n := range readers {
		gauge(c.readers, float64(n), schema)
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

func (c *Collector) countReaders() (streams int, readers map[string]int) {
	readers = map[string]int{}
	for st := range c.media.Streams() {
		streams++
		for _, schema := range st.Schemas() {
			here, _ := st.Readers(schema)
			readers[schema] += here
		}
	}
	return streams, readers
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
