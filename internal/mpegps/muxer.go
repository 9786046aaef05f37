package mpegps

import (
	"errors"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// ErrNoTracks says that there is nothing that a program stream carries.
var ErrNoTracks = errors.New("mpegps: no tracks that a program stream carries")

// headersEvery is how far apart system header and map are if there are no pictures, in which they are in front of those to begin with.
const headersEvery = 500 * time.Millisecond

// Muxer makes a program stream of packets, each a pack by itself. It allocates nothing for a packet whose track it knows. It is for one
// goroutine at a time.
type Muxer struct {
	outputs []*output
	leftOut []*media.Track
	video   bool   // there is some
	headers []byte // a system header and a map
	version byte   // of the map

	begun bool
	since time.Duration // DTS of the packet in front of which the headers were last
}

// NewMuxer returns a muxer of tracks. Those that a program stream does not carry are left out; the error is [ErrNoTracks].
func NewMuxer(tracks []*media.Track) (*Muxer, error) {
	m := &Muxer{}
	for _, t := range tracks {
		k, ok := kindOf(t)
		if ok = ok && len(m.outputs) < maxStreams; !ok {
			m.leftOut = append(m.leftOut, t)
			continue
		}
		e := &output{kind: k, streamID: m.freeID(k.streamID)}
		e.describe(t)
		m.outputs = append(m.outputs, e)
		m.video = m.video || t.Codec.Video()
	}
	if len(m.outputs) == 0 {
		return nil, ErrNoTracks
	}
	m.makeHeaders()
	return m, nil
}

// LeftOut returns the tracks that the stream does not carry.
func (m *Muxer) LeftOut() []*media.Track { return slices.Clone(m.leftOut) }

// freeID returns the first stream ID from one on that no track has.
func (m *Muxer) freeID(id byte) byte {
	for slices.ContainsFunc(m.outputs, func(e *output) bool { return e.streamID == id }) {
		id++
	}
	return id
}

// Append appends a packet, with what must be in front of it: nothing of a track that is left out, or of data that cannot be told.
func (m *Muxer) Append(dst []byte, p *media.Packet) ([]byte, error) {
	e := m.find(p.Track)
	if e == nil {
		return dst, nil
	}
	var inner [headSize]byte
	head, size := e.head(inner[:0], p)
	if size == 0 {
		return dst, nil
	}
	gap := p.DTS - m.since
	headers := !m.begun || m.video && p.Key && p.Track.Codec.Video() || !m.video && (gap >= headersEvery || gap < 0)
	w := writer{dst: appendPack(dst, p.DTS), output: e, packet: p, left: size}
	if headers {
		w.dst = append(w.dst, m.headers...)
		m.begun, m.since = true, p.DTS
	}
	w.write(head)
	switch p.Track.Codec {
	case media.H264, media.H265:
		w.writeUnits()
	default:
		w.write(p.Data)
	}
	return w.dst, nil
}

// find returns the output of a track, which it describes anew if it has changed.
func (m *Muxer) find(t *media.Track) *output {
	for _, e := range m.outputs {
		if e.track == t {
			return e
		}
		if e.track.ID != t.ID {
			continue
		}
		k, ok := kindOf(t)
		if !ok || k.streamID != e.kind.streamID {
			return nil
		}
		e.kind = k
		e.describe(t)
		m.makeHeaders()
		return e
	}
	return nil
}

// output is a track in the program stream.
type output struct {
	track    *media.Track
	kind     kind
	streamID byte
	sets     []byte
	aac      elementary.ADTS
}

func (e *output) describe(t *media.Track) {
	e.track, e.sets = t, elementary.ParameterSets(t)
	e.aac, _ = elementary.ParseADTS(t.Config)
}

// headSize is how many bytes a codec wants in front of its data at most.
const headSize = 32

// head appends what the codec wants in front of the data of a packet. It returns how many bytes there are with the data; 0 if there is
// nothing to send.
func (e *output) head(dst []byte, p *media.Packet) (head []byte, size int) {
	size = len(p.Data)
	switch p.Track.Codec {
	case media.H264:
		dst = append(dst, 0, 0, 0, 1, h26x.AVCDelimiter, 0xf0)
		size = e.unitsSize(p)
	case media.H265:
		dst = append(dst, 0, 0, 0, 1, h26x.HEVCDelimiter<<1, 1, 0x50)
		size = e.unitsSize(p)
	case media.AAC:
		if size > elementary.MaxADTSData {
			return nil, 0
		}
		dst = e.aac.Append(dst, size)
	case media.Opus:
		if size > elementary.MaxOpusData {
			return nil, 0
		}
		dst = elementary.AppendOpusHead(dst, size)
	}
	if size == 0 {
		return nil, 0
	}
	return dst, len(dst) + size
}

// unitsSize is how many bytes the NAL units of a picture have, with the parameter sets it needs.
func (e *output) unitsSize(p *media.Packet) int {
	size := elementary.UnitsSize(p)
	if size > 0 && elementary.NeedsSets(p) {
		size += len(e.sets)
	}
	return size
}
