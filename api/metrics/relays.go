package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/relay"
)

// Relays lists what is pulled and pushed. *relay.Relay does.
type Relays interface {
	Pulls() []relay.Status
	Pushes() []relay.Status
}

// perRelay are the figures of pulls and pushes.
type perRelay struct {
	count, playing, paused, retries, bytes *prometheus.Desc
}

func newPerRelay() perRelay {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_relay"+name, help, append([]string{"kind"}, labels...), nil)
	}
	return perRelay{
		count:   desc("s", "Pulls and pushes, by what they are at.", "state"),
		playing: desc("_playing", "Whether media moves: 1, or 0.", "stream", "url"),
		paused:  desc("_paused", "Whether a pull is paused: 1, or 0.", "stream", "url"),
		retries: desc("_retries_total", "Attempts after the first.", "stream", "url"),
		bytes:   desc("_bytes_total", "Bytes of media that were moved.", "stream", "url"),
	}
}

func (d *perRelay) describe(out chan<- *prometheus.Desc) {
	for _, one := range []*prometheus.Desc{d.count, d.playing, d.paused, d.retries, d.bytes} {
		out <- one
	}
}

// collect sends the figures of all, and those of each for the first so many of a kind. URLs are without what is secret in them.
func (d *perRelay) collect(s sender, kind string, all []relay.Status, limit int) {
	states := map[string]int{}
	for _, state := range []relay.State{relay.Connecting, relay.Playing, relay.Failed, relay.Dropped} {
		states[state.String()] = 0
	}
	seen := map[[2]string]bool{}
	for _, x := range all {
		states[x.State.String()]++
		where := [2]string{cutLabel(x.Stream.String()), cutLabel(redact.URL(x.URL))}
		if len(seen) >= limit || seen[where] {
			continue
		}
		seen[where] = true
		s.gauge(d.playing, oneIf(x.State == relay.Playing), kind, where[0], where[1])
		s.gauge(d.paused, oneIf(x.Paused), kind, where[0], where[1])
		s.counter(d.retries, uint64(x.Retries), kind, where[0], where[1])
		s.counter(d.bytes, x.TotalBytes, kind, where[0], where[1])
	}
	for state, n := range states {
		s.gauge(d.count, float64(n), kind, state)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func cutLabel(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxLabel)], "\ufffd") }
