package hlspull

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

// errForm says that segments are of a form that is not known.
var errForm = errors.New("hls: the segments are neither MPEG-TS nor fragmented MP4")

// play hands on what segments hold.
type play struct {
	*pacer
	warn   func(error)
	ts     *mpegts.Demuxer // nil until one has come
	tracks []*media.Track  // of fragmented MP4
	bad    error           // why the newest segment could not be played
}

func newPlay(ctx context.Context, cfg *Config) *play {
	p := &play{pacer: &pacer{sink: cfg.Sink}, warn: cfg.Warn}
	p.came.Store(time.Now().UnixNano())
	p.until(ctx)
	return p
}

// until says what ends it.
func (p *play) until(ctx context.Context) {
	p.done, p.why = ctx.Done(), func() error { return context.Cause(ctx) }
}

// segment takes one.
func (p *play) segment(i *item) error {
	if i.torn || i.discontinuity {
		p.begun = false // its stamps are others
	}
	p.most = p.packets + maxSegmentPackets
	var err error
	switch {
	case mpegts.Begins(i.data):
		err = p.transport(i)
	case isMP4(i.data):
		err = p.fragments(i)
	default: // perhaps the next is
		err = fmt.Errorf("%w: one begins with %q", errForm, i.data[:min(len(i.data), 8)])
	}
	if errors.Is(err, errForm) || errors.Is(err, errCrowded) || errors.Is(err, mpegts.ErrNoStream) {
		p.bad = err
		p.warn(err)
		return nil
	}
	return err
}

// maxSegmentPackets bounds the packets of a segment: those of ten minutes, with sound.
const maxSegmentPackets = 100_000

// errCrowded says that a segment has more.
var errCrowded = fmt.Errorf("hls: a segment has more than %d packets", maxSegmentPackets)

// transport takes a segment of MPEG-TS. Each begins anew with what counts packets.
func (p *play) transport(i *item) error {
	if p.ts == nil {
		p.ts = mpegts.NewDemuxer(p.pacer, p.warn)
	}
	if i.torn || i.discontinuity {
		p.ts.Lose()
	}
	if _, err := p.ts.Write(i.data); err != nil {
		return err
	}
	return p.ts.Break()
}

// end takes what has come for all.
func (p *play) end() error {
	if p.ts == nil {
		return nil
	}
	return p.ts.Close()
}

func isMP4(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	switch string(b[4:8]) {
	case "ftyp", "styp", "moov", "moof", "sidx", "emsg", "prft":
		return true
	}
	return false
}

// fragments takes a segment of fragmented MP4 behind its initialization segment.
func (p *play) fragments(i *item) error {
	f, err := mp4.OpenSegment(bytes.NewReader(i.data), int64(len(i.data)))
	if err != nil {
		return fmt.Errorf("%w: a segment: %w", errForm, err)
	}
	for _, name := range f.Skipped() {
		p.warn(fmt.Errorf("hls: %s is not taken", name))
	}
	as, err := p.describe(f.Tracks())
	if err != nil {
		return err
	}
	for from := f.Cursor(); ; {
		pkt, err := from.ReadPacket()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w: a segment: %w", errForm, err)
		}
		if known := as[pkt.Track]; known != nil {
			pkt.Track = known
		}
		if err := p.WritePacket(pkt); err != nil {
			return err
		}
	}
}

// describe tells the tracks if they are others than before, and returns which of those that are known the new ones are.
func (p *play) describe(now []*media.Track) (as map[*media.Track]*media.Track, err error) {
	as = map[*media.Track]*media.Track{}
	same := len(now) == len(p.tracks)
	list := make([]*media.Track, len(now))
	for i, t := range now {
		list[i] = t
		for _, old := range p.tracks {
			if old.ID == t.ID && old.Codec == t.Codec && bytes.Equal(old.Config, t.Config) {
				list[i] = old
			}
		}
		same = same && list[i] == p.tracks[i]
		as[t] = list[i]
	}
	p.tracks = list
	if !same {
		err = p.SetTracks(list...)
	}
	return as, err
}

const (
	// furthest is how far ahead of the pace, or behind, stamps are taken for a jump.
	furthest = 15 * time.Second
	// back is how far the stamps of a track step back where they are others.
	back = 500 * time.Millisecond
	// maxTracks is for how many tracks the newest stamps are known.
	maxTracks = 64
)

// pacer hands packets on when they are due: segments come as a whole.
type pacer struct {
	sink          gate.Sink
	done          <-chan struct{}
	why           func() error // it is done
	begun         bool
	from          time.Time             // when the first packet was due,
	first         time.Duration         // and its stamp
	last          map[int]time.Duration // the newest stamp of each track
	came          atomic.Int64          // when a packet was handed on, in ns of Unix
	packets, most int                   // how many have been, and may be
}

// SetTracks implements [gate.Sink].
func (p *pacer) SetTracks(tracks ...*media.Track) error { return p.sink.SetTracks(tracks...) }

// WritePacket implements [gate.Sink].
func (p *pacer) WritePacket(pkt *media.Packet) error {
	select {
	case <-p.done:
		return p.why()
	default:
	}
	if p.packets++; p.packets > p.most {
		return errCrowded
	}
	now := time.Now()
	p.came.Store(now.UnixNano())
	if p.last == nil || len(p.last) > maxTracks {
		p.last = map[int]time.Duration{}
	}
	if last, known := p.last[pkt.Track.ID]; known && pkt.DTS < last-back {
		p.begun = false // its stamps begin anew
	}
	p.last[pkt.Track.ID] = pkt.DTS
	ahead := pkt.DTS - p.first - now.Sub(p.from)
	switch {
	case !p.begun, ahead.Abs() > furthest:
		p.begun, p.from, p.first = true, now, pkt.DTS
	case ahead > 0:
		t := time.NewTimer(ahead)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.done:
			return p.why()
		}
	}
	err := p.sink.WritePacket(pkt)
	p.came.Store(time.Now().UnixNano())
	return err
}
