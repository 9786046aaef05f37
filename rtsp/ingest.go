package rtsp

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/rtp/depacketizer"
	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

const (
	// reorder is how many packets wait for one that is missing, when they come by UDP.
	reorder = 64
	// waitTracks is how long a stream waits until all its tracks can be described.
	waitTracks = 10 * time.Second
	// waitVideo is how long audio waits for the first picture, whose decoding time may lie before it.
	waitVideo = 2 * time.Second
	// maxWaiting bounds the packets that wait meanwhile.
	maxWaiting = 500
	// receiverReportEvery is the distance of receiver reports, and statsEvery that of figures for the stream.
	receiverReportEvery = 5 * time.Second
	statsEvery          = time.Second
)

// ingest makes a stream of the RTP of a publisher. Its methods may be called from any goroutine.
type ingest struct {
	pub  *media.Publisher
	opts ingestOptions

	mu      sync.Mutex
	clock   *receiver.Clock
	tracks  []*ingestTrack
	begun   time.Time
	known   bool // the tracks are
	waiting []*media.Packet
	broken  uint64
}

type ingestOptions struct {
	torn bool // pass on what cannot be decoded whole
	log  *slog.Logger
	bye  func() // called when the sender has said that all its tracks end; nil does nothing
}

// ingestTrack is one media of a publisher.
type ingestTrack struct {
	index    int // in the clock
	rate     int // of its timestamps, Hz
	media    *media.Track
	seq      *receiver.Sequencer
	depack   *depacketizer.Depacketizer
	decoding *receiver.Decoding // nil: decoding order is presentation order
	depthOf  *media.Track       // whose parameter sets decoding follows
	gap      bool               // pictures are missing up to the next key frame
	came     bool               // a unit has
	reports  *destination
	reported time.Time
	counted  time.Time
	ssrc     uint32
	ended    bool // the sender has said so
}

func newIngest(pub *media.Publisher, desc *sdp.Session, opts ingestOptions) *ingest {
	in := &ingest{pub: pub, opts: opts, clock: receiver.NewClock()}
	for _, m := range desc.Medias {
		t := &ingestTrack{
			index: in.clock.AddTrack(m.ClockRate, m.Track.Codec.Video()), rate: m.ClockRate, media: m.Track, ssrc: randomUint32(),
			seq: receiver.NewSequencer(receiver.SequencerConfig{ClockRate: m.ClockRate}),
		}
		d, err := depacketizer.New(depacketizer.Source{
			Track: m.Track, PayloadType: m.PayloadType, Params: m.Params, Encoding: m.Encoding,
		})
		if err != nil {
			opts.log.Info("media left out", "codec", m.Encoding, "err", err)
		}
		t.depack = d
		in.tracks = append(in.tracks, t)
	}
	return in
}

// unreliable says that the packets of a track may be lost, doubled and out of order.
func (in *ingest) unreliable(track int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tracks[track].seq = receiver.NewSequencer(receiver.SequencerConfig{ClockRate: in.tracks[track].rate, Reorder: reorder})
}

// reportTo says where receiver reports of a track go.
func (in *ingest) reportTo(track int, to *destination) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tracks[track].reports = to
}

// begin lets packets in.
func (in *ingest) begin() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.begun = time.Now()
	return in.describe(in.begun)
}

// describe tells the stream its tracks once all are known, or the wait is over.
func (in *ingest) describe(now time.Time) error {
	if in.known {
		return nil
	}
	late := now.Sub(in.begun) > waitTracks
	var ready []*media.Track
	for _, t := range in.tracks {
		switch {
		case t.depack == nil:
		case t.media.Codec.Video() && !t.came && len(in.tracks) > 1 && now.Sub(in.begun) < waitVideo:
			return nil
		case describes(t.depack.Track()):
			ready = append(ready, t.depack.Track())
		case !late:
			return nil
		}
	}
	if len(ready) == 0 {
		return nil
	}
	in.known = true
	if err := in.pub.SetTracks(ready...); err != nil {
		return err
	}
	waiting := in.waiting
	in.waiting = nil
	slices.SortStableFunc(waiting, func(a, b *media.Packet) int { return cmp.Compare(a.DTS, b.DTS) })
	for _, p := range waiting {
		in.write(p)
	}
	return nil
}

// describes reports whether a decoder could be set up for a track.
func describes(t *media.Track) bool {
	switch t.Codec {
	case media.H264, media.H265, media.AAC:
		return len(t.Config) > 0
	}
	return true
}

// packet takes an RTP packet. It does not keep b.
func (in *ingest) packet(track int, b []byte, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.tracks[track]
	if t.depack == nil {
		return
	}
	var p rtp.Packet
	if t.reports != nil { // it may have to wait for one before it
		b = append([]byte(nil), b...)
	}
	if err := p.Unmarshal(b); err != nil {
		in.fault(t, err)
		return
	}
	in.deliver(t, t.seq.Push(p, now), now)
	in.acknowledge(t, now)
	in.count(t, now)
}

// count tells the stream and the session now and then what was lost.
func (in *ingest) count(t *ingestTrack, now time.Time) {
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

// flush passes on what has waited long enough.
func (in *ingest) flush(track int, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.tracks[track]
	if t.depack != nil {
		in.deliver(t, t.seq.Flush(now), now)
	}
}

func (in *ingest) deliver(t *ingestTrack, packets []receiver.Packet, now time.Time) {
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
func (in *ingest) unit(t *ingestTrack, u *depacketizer.Unit, now time.Time) {
	pts := in.clock.At(t.index, u.Stamp, now)
	if t.media.Codec.Video() && !in.opts.torn {
		t.gap = (t.gap || u.Gap) && !u.Key
		if t.gap {
			return // it may refer to what is missing
		}
	}
	p := &media.Packet{
		Track: u.Track, PTS: pts, DTS: pts, Key: u.Key, Data: u.Data,
		NTP: in.clock.NTP(t.index, u.Stamp),
	}
	if t.media.Codec == media.H264 || t.media.Codec == media.H265 {
		p.DTS = t.decodingTime(u.Track, pts)
	}
	t.came = true
	if !in.known {
		if len(in.waiting) < maxWaiting {
			in.waiting = append(in.waiting, p)
		}
		_ = in.describe(now) // the publisher's end is seen elsewhere
		return
	}
	in.write(p)
}

// decodingTime recovers the DTS, which RTP does not carry.
func (t *ingestTrack) decodingTime(track *media.Track, pts time.Duration) time.Duration {
	if t.decoding == nil || t.depthOf != track {
		depth, known := 0, false
		if sets, _, err := h26x.Parse(track.Codec, track.Config); err == nil && len(sets.SPS) > 0 {
			depth, known = h26x.ReorderDepth(track.Codec, sets.SPS[0])
		}
		frame := time.Duration(0)
		if track.FPS > 0 {
			frame = time.Duration(float64(time.Second) / track.FPS)
		}
		t.decoding, t.depthOf = receiver.NewDecoding(depth, known, frame), track
	}
	return t.decoding.DTS(pts)
}

func (in *ingest) write(p *media.Packet) { _ = in.pub.WritePacket(p) }

// report takes an RTCP packet.
func (in *ingest) report(track int, b []byte, now time.Time) {
	list, err := rtcp.Unmarshal(b)
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.tracks[track]
	if err != nil {
		in.fault(t, err)
		return
	}
	for _, p := range list {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			in.clock.SenderReport(t.index, p.NTPTime, p.RTPTime)
			t.seq.SenderReport(p.NTPTime, p.RTPTime, now)
		case *rtcp.Goodbye:
			in.goodbye(t)
		}
	}
}

// goodbye notes that a track has ended.
func (in *ingest) goodbye(t *ingestTrack) {
	t.ended = true
	for _, other := range in.tracks {
		if !other.ended {
			return
		}
	}
	if in.opts.bye != nil {
		in.opts.bye()
	}
}

// acknowledge sends a receiver report now and then.
func (in *ingest) acknowledge(t *ingestTrack, now time.Time) {
	if t.reports == nil || now.Sub(t.reported) < receiverReportEvery {
		return
	}
	t.reported = now
	report := t.seq.AppendReceiverReport(nil, t.ssrc, now)
	if len(report) > 0 {
		_ = t.reports.send(report) // the next one may arrive
	}
}

// fault counts what could not be used, and logs the first of it.
func (in *ingest) fault(t *ingestTrack, err error) {
	if in.broken == 0 {
		in.opts.log.Info("RTP that cannot be used", "codec", t.media.Codec.String(), "err", err)
	}
	in.broken++
}
