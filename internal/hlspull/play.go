package hlspull

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

// errForm says that segments are of a form that is not known.
var errForm = errors.New("hls: the segments are neither MPEG-TS, fragmented MP4, AAC nor MP3")

// sink takes what the segments of a playlist hold.
type sink interface {
	gate.Sink
	// begin says that a segment begins, in which period of the playlist its stamps are, and whether segments are missing in front of it.
	begin(period int64, torn bool)
}

// play hands on what segments hold. It is for one goroutine.
type play struct {
	sink          sink
	warn          func(error)
	packets, most int             // how many have been, and may be
	ts            *mpegts.Demuxer // nil until one has come
	tracks        []*media.Track  // of fragmented MP4
	raw           packed          // of packed audio
	bad           error           // why the newest segment could not be played
}

// SetTracks implements [gate.Sink].
func (p *play) SetTracks(tracks ...*media.Track) error { return p.sink.SetTracks(tracks...) }

// WritePacket implements [gate.Sink].
func (p *play) WritePacket(pkt *media.Packet) error {
	if p.packets++; p.packets > p.most {
		return errCrowded
	}
	return p.sink.WritePacket(pkt)
}

// segment takes one.
func (p *play) segment(i *item) error {
	p.sink.begin(i.in, i.torn || i.discontinuity)
	p.most = p.packets + maxSegmentPackets
	var err error
	switch begin := i.begin(); {
	case mpegts.Begins(begin):
		err = p.transport(i)
	case isMP4(begin):
		err = p.fragments(i)
	case isPacked(begin):
		err = p.packed(i)
	default: // perhaps the next is
		err = fmt.Errorf("%w: one begins with %q", errForm, begin[:min(len(begin), 8)])
	}
	if errors.Is(err, errForm) || errors.Is(err, errCrowded) || errors.Is(err, mpegts.ErrNoStream) {
		p.bad = err
		p.warn(err)
		return nil
	}
	return err
}

// begin is what a segment begins with.
func (i *item) begin() []byte {
	if len(i.head) > 0 {
		return i.head
	}
	return i.data
}

// ReadAt implements [io.ReaderAt], of the initialization segment and what is behind it: large segments are not copied.
func (i *item) ReadAt(b []byte, at int64) (n int, err error) {
	if size := int64(len(i.head)); at < size {
		n = copy(b, i.head[at:])
		at = size
	} else if at > i.size() {
		return 0, io.EOF
	}
	n += copy(b[n:], i.data[at-int64(len(i.head)):])
	if n < len(b) {
		err = io.EOF
	}
	return n, err
}

func (i *item) size() int64 { return int64(len(i.head) + len(i.data)) }

// maxSegmentPackets bounds the packets of a segment: those of ten minutes, with sound.
const maxSegmentPackets = 100_000

// errCrowded says that a segment has more.
var errCrowded = fmt.Errorf("hls: a segment has more than %d packets", maxSegmentPackets)

// transport takes a segment of MPEG-TS. Each begins anew with what counts packets.
func (p *play) transport(i *item) error {
	if p.ts == nil {
		p.ts = mpegts.NewDemuxer(p, p.warn)
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
	f, err := mp4.OpenSegment(i, i.size())
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
