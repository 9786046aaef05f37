package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-media/sluice/media"
)

// perStream are the figures that carry the name of a stream.
type perStream struct {
	received, sent, viewers, frames, keyFrames, gop, gopFrames, loss, lost, jumps, skipped *prometheus.Desc
}

func newPerStream() perStream {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_stream_"+name, help, append([]string{"vhost", "app", "stream"}, labels...), nil)
	}
	return perStream{
		received:  desc("received_bytes_total", "Bytes of media that came from the publisher."),
		sent:      desc("sent_bytes_total", "Bytes that went to the players."),
		viewers:   desc("viewers", "Players, by what they speak.", "protocol"),
		frames:    desc("frames_total", "Pictures and audio frames.", "kind", "codec"),
		keyFrames: desc("key_frames_total", "Key frames."),
		gop:       desc("gop_seconds", "Media time from one key frame to the next."),
		gopFrames: desc("gop_frames", "Pictures from one key frame to the next."),
		loss:      desc("loss_ratio", "Share of the packets that were lost lately on the way from the publisher.", "kind", "codec"),
		lost:      desc("lost_packets_total", "Packets that were lost on the way from the publisher."),
		jumps:     desc("jumps_total", "Jumps of the publisher's time stamps that were bridged."),
		skipped:   desc("skipped_packets_total", "Packets passed over for players that read too slowly."),
	}
}

func (d *perStream) describe(out chan<- *prometheus.Desc) {
	for _, one := range []*prometheus.Desc{
		d.received, d.sent, d.viewers, d.frames, d.keyFrames, d.gop, d.gopFrames, d.loss, d.lost, d.jumps, d.skipped,
	} {
		out <- one
	}
}

// labels name a stream. What the name of one could do to the page of figures is taken from it: it is cut short, and
// what is no text is replaced.
type labels struct{ vhost, app, stream string }

// maxLabel bounds a label in bytes.
const maxLabel = 128

func newLabels(key media.StreamKey) labels {
	return labels{cutLabel(key.VHost), cutLabel(key.App), cutLabel(key.Name)}
}

// chosen are the streams that get figures of their own: at most so many, the oldest, so that a figure that is there
// stays. Of those whose labels are the same there is one.
func chosen(all []*media.Stream, limit int) map[labels]*media.Stream {
	if limit == 0 {
		return nil
	}
	created := map[*media.Stream]time.Time{}
	for _, st := range all {
		created[st] = st.Source("").Created
	}
	slices.SortFunc(all, func(a, b *media.Stream) int { return created[a].Compare(created[b]) })
	streams := map[labels]*media.Stream{}
	for _, st := range all {
		l := newLabels(st.Key())
		if _, ok := streams[l]; !ok && len(streams) < limit {
			streams[l] = st
		}
	}
	return streams
}

// collect sends the figures of one stream.
func (d *perStream) collect(s sender, l labels, st *media.Stream) {
	name := []string{l.vhost, l.app, l.stream}
	with := func(more ...string) []string { return append(slices.Clip(name), more...) }
	stats, traffic := st.Stats(), st.Traffic()
	s.counter(d.received, traffic.Received, name...)
	s.counter(d.sent, traffic.Sent, name...)
	s.counter(d.skipped, traffic.Skipped, name...)
	s.counter(d.lost, traffic.Lost, name...)
	s.counter(d.jumps, stats.Jumps, name...)
	viewers := map[string]int{}
	for _, p := range st.Players() {
		viewers[p.Session().Info().Protocol]++
	}
	for protocol, n := range viewers {
		s.gauge(d.viewers, float64(n), with(protocol)...)
	}
	for kind, t := range firstOfKinds(stats.Tracks) {
		s.counter(d.frames, t.Frames, with(kind, t.Track.Codec.String())...)
		if t.Loss >= 0 {
			s.gauge(d.loss, t.Loss/100, with(kind, t.Track.Codec.String())...)
		}
		if kind == "video" {
			s.counter(d.keyFrames, t.KeyFrames, name...)
			s.gauge(d.gop, t.GOPInterval.Seconds(), name...)
			s.gauge(d.gopFrames, float64(t.GOPSize), name...)
		}
	}
}

// firstOfKinds are the first track with pictures and the first with audio.
func firstOfKinds(tracks []media.TrackStats) map[string]media.TrackStats {
	first := map[string]media.TrackStats{}
	for _, t := range tracks {
		kind := "audio"
		if t.Track.Codec.Video() {
			kind = "video"
		}
		if _, ok := first[kind]; !ok {
			first[kind] = t
		}
	}
	return first
}
