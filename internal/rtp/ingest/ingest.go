// Package ingest makes a stream of the RTP (RFC 3550) of a publisher.
package ingest

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

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
)

// Ingest makes a stream of the RTP of a publisher. Its methods may be called from any goroutine.
type Ingest struct {
	pub  *media.Publisher
	opts Options

	mu     sync.Mutex
	clock  *receiver.Clock
	tracks []*track
	begun  time.Time
	known  bool // the tracks are
	hold   hold
	speed  float64 // of the source
	next   *place  // where it is from the next packet on; nil for where it was
	pace   pace

	restamps bool // the source's timestamps are in real time at any speed

	broken uint64
}

// Options of an [Ingest].
type Options struct {
	Torn bool // pass on what cannot be decoded whole
	Log  *slog.Logger
	Bye  func() // called when the sender has said that all its tracks end; nil does nothing
}

// track is one media of a publisher.
type track struct {
	index    int // in the clock
	rate     int // of its timestamps, Hz
	media    *media.Track
	seq      *receiver.Sequencer
	depack   *depacketizer.Depacketizer
	decoding *receiver.Decoding // nil: decoding order is presentation order
	depthOf  *media.Track       // whose parameter sets decoding follows
	gap      bool               // pictures are missing up to the next key frame
	came     bool               // a unit has
	// Of the first unit.
	firstStamp uint32
	firstAt    time.Time
	reports    func(report []byte) error // nil: nowhere
	reported   time.Time
	counted    time.Time
	ssrc       uint32
	ended      bool // the sender has said so
}

// New returns an ingest of the medias of a session description, which give their indexes to its tracks.
func New(pub *media.Publisher, desc *sdp.Session, opts Options) *Ingest {
	in := &Ingest{pub: pub, opts: opts, clock: receiver.NewClock(), speed: 1, pace: pace{asked: 1}}
	for _, m := range desc.Medias {
		t := &track{
			index: in.clock.AddTrack(m.ClockRate, m.Track.Codec.Video()), rate: m.ClockRate, media: m.Track, ssrc: rand.Uint32(),
			seq: receiver.NewSequencer(receiver.SequencerConfig{ClockRate: m.ClockRate}),
		}
		d, err := depacketizer.New(depacketizer.Source{
			Track: m.Track, PayloadType: m.PayloadType, Params: m.Params, Encoding: m.Encoding,
		})
		if err != nil {
			opts.Log.Info("media left out", "codec", codecName(m), "err", err)
		}
		t.depack = d
		in.tracks = append(in.tracks, t)
	}
	return in
}

// Unreliable says that the packets of a track may be lost, doubled and out of order.
func (in *Ingest) Unreliable(index int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tracks[index].seq = receiver.NewSequencer(receiver.SequencerConfig{ClockRate: in.tracks[index].rate, Reorder: reorder})
}

// ReportTo says where receiver reports of a track go.
func (in *Ingest) ReportTo(index int, send func(report []byte) error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.tracks[index].reports = send
}

// Begin begins the wait for the tracks. What has come before is kept: ports and groups are open earlier.
func (in *Ingest) Begin() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.begun = time.Now()
	return in.describe(in.begun)
}

// describe tells the stream its tracks once all are known, or the wait is over.
func (in *Ingest) describe(now time.Time) error {
	if in.known || in.begun.IsZero() {
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
	return in.pub.SetTracks(ready...)
}

// describes reports whether a decoder could be set up for a track.
func describes(t *media.Track) bool {
	switch t.Codec {
	case media.H264, media.H265, media.AV1, media.AAC:
		return len(t.Config) > 0
	}
	return true
}
