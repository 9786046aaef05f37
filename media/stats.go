package media

import (
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// Stats says what has passed through a stream.
type Stats struct {
	// Bytes of payload since the stream began, and a second at present.
	Bytes, BytesPerSecond uint64
	// Jumps of the publisher's stamps that were bridged, and wraps that were unrolled.
	Jumps, Wraps uint64
	// Tracks are in the stream's order.
	Tracks []TrackStats
}

// TrackStats says what has passed through one track.
type TrackStats struct {
	Track    *Track
	Frames   uint64
	Bytes    uint64
	Duration time.Duration
	// FPS is the measured number of frames a second of media time.
	FPS float64
	// KeyFrames counts them; GOPSize is the number of frames from one to the next, GOPInterval the time.
	KeyFrames   uint64
	GOPSize     int
	GOPInterval time.Duration
	// Loss is in per cent; -1 when the protocol does not tell.
	Loss float64
}

// counters are the figures of a stream while it runs. They are guarded by the stream's mutex.
type counters struct {
	bytes  uint64
	speed  rate
	tracks map[int]*trackCounter
}

type trackCounter struct {
	frames, keys, bytes uint64
	first, last         time.Duration
	lastKey             time.Duration
	sinceKey            int
	gopSize             int
	gopInterval         time.Duration
	fps                 float64
	window              time.Duration // media time at which the fps window began
	inWindow            int

	arrived, lost uint64  // packets in all, as the publisher told last
	loss          float64 // per cent between the last two times it told
	told          bool
}

// fpsWindow is the media time over which frames are counted for FPS.
const fpsWindow = 2 * time.Second

func (c *counters) count(p *Packet) {
	n := uint64(len(p.Data))
	c.bytes += n
	c.speed.add(n, time.Now())
	if c.tracks == nil {
		c.tracks = map[int]*trackCounter{}
	}
	t := c.tracks[p.Track.ID]
	if t == nil {
		t = &trackCounter{first: p.DTS, window: p.DTS}
		c.tracks[p.Track.ID] = t
	}
	t.count(p)
}

// Arrived tells how many packets of the network's have come in all for a track, and how many were lost, for a
// protocol that knows. The share lost between two calls is the track's Loss in [Stats].
func (p *Publisher) Arrived(trackID int, packets, lost uint64) {
	st := p.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.counters.tracks[trackID]; t != nil && st.publisher == p {
		t.arrive(packets, lost)
	}
}

func (t *trackCounter) arrive(packets, lost uint64) {
	if packets < t.arrived || lost < t.lost { // another publisher goes on
		t.arrived, t.lost = 0, 0
	}
	if n := packets - t.arrived + lost - t.lost; n > 0 {
		t.loss = 100 * float64(lost-t.lost) / float64(n)
	}
	t.arrived, t.lost, t.told = packets, lost, true
}

func (t *trackCounter) count(p *Packet) {
	t.bytes += uint64(len(p.Data))
	t.countFPS(p.DTS)
	if p.Key {
		if t.keys > 0 {
			t.gopSize, t.gopInterval = t.sinceKey, p.DTS-t.lastKey
		}
		t.keys++
		t.lastKey, t.sinceKey = p.DTS, 0
	}
	t.frames++
	t.sinceKey++
	t.last = p.DTS
}

func (t *trackCounter) countFPS(dts time.Duration) {
	if passed := dts - t.window; passed >= fpsWindow {
		t.fps = float64(t.inWindow) / passed.Seconds()
		t.window, t.inWindow = dts, 0
	}
	t.inWindow++
}

// rate measures bytes a second over the last whole seconds.
type rate struct {
	begun time.Time
	bytes uint64
	last  float64
}

const rateWindow = time.Second

func (r *rate) add(n uint64, now time.Time) {
	if r.begun.IsZero() {
		r.begun = now
	}
	if passed := now.Sub(r.begun); passed >= rateWindow {
		r.last = float64(r.bytes) / passed.Seconds()
		r.begun, r.bytes = now, 0
	}
	r.bytes += n
}

func (r *rate) perSecond(now time.Time) uint64 {
	passed := now.Sub(r.begun)
	if r.begun.IsZero() || passed > 5*rateWindow {
		return 0
	}
	if r.last == 0 && passed > 0 {
		return uint64(float64(r.bytes) / max(passed.Seconds(), 0.1))
	}
	return uint64(r.last)
}

// Stats returns the figures of the stream.
func (st *Stream) Stats() Stats {
	d := st.Description()
	st.mu.Lock()
	defer st.mu.Unlock()
	s := Stats{
		Bytes: st.counters.bytes, BytesPerSecond: st.counters.speed.perSecond(time.Now()),
		Jumps: st.timeline.jumps, Wraps: st.timeline.wraps,
	}
	for _, t := range d.Tracks {
		s.Tracks = append(s.Tracks, st.counters.stats(t))
	}
	return s
}

func (c *counters) stats(track *Track) TrackStats {
	s := TrackStats{Track: track, Loss: -1, FPS: track.FPS}
	t := c.tracks[track.ID]
	if t == nil {
		return s
	}
	s.Frames, s.Bytes, s.KeyFrames = t.frames, t.bytes, t.keys
	s.Duration = t.last - t.first
	s.GOPSize, s.GOPInterval = t.gopSize, t.gopInterval
	if t.fps > 0 {
		s.FPS = t.fps
	}
	if t.told {
		s.Loss = t.loss
	}
	return s
}

// Source describes the stream in one schema, as the API and the hooks do. It is recorded by HLS, as they call it, when its
// options let it be watched by HLS.
func (st *Stream) Source(schema string) hook.Source {
	stats := st.Stats()
	st.mu.Lock()
	defer st.mu.Unlock()
	src := hook.Source{
		IsRecordingMP4: st.recorders > 0 || st.recorderDue,
		IsRecordingHLS: serves(&st.options, "hls") || serves(&st.options, "hls.fmp4"),
		Created:        st.created, Alive: time.Since(st.created),
		BytesSpeed: int64(stats.BytesPerSecond), TotalBytes: stats.Bytes,
		Readers: st.readers[schema], TotalReaders: st.countReaders(),
	}
	if p := st.last; p != nil {
		src.Params, src.Origin, src.OriginURL = p.request.Params, p.request.Origin, p.request.OriginURL
		src.OriginSession = p.session.event(p.request.Schema, p.request.Params)
	}
	for _, t := range stats.Tracks {
		src.Tracks = append(src.Tracks, t.info())
	}
	return src
}

func (s *TrackStats) info() hook.TrackInfo {
	t := s.Track
	return hook.TrackInfo{
		CodecID: int(t.Codec), Codec: t.Codec.String(), Video: t.Codec.Video(), Ready: true,
		Frames: s.Frames, Duration: s.Duration,
		SampleRate: t.SampleRate, Channels: t.Channels, SampleBits: sampleBits(t),
		Width: t.Width, Height: t.Height, FPS: s.FPS,
		KeyFrames: s.KeyFrames, GOPSize: s.GOPSize, GOPInterval: s.GOPInterval, Loss: s.Loss,
	}
}

func sampleBits(t *Track) int {
	if t.Codec.Video() {
		return 0
	}
	return 16
}

// trackNames lists the codecs, for the log.
func (st *Stream) trackNames() string { return codecNames(st.Description().Tracks) }

func codecNames(tracks []*Track) string {
	var names []string
	for _, t := range tracks {
		names = append(names, t.Codec.LogValue().String())
	}
	return strings.Join(names, "+")
}
