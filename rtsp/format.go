package rtsp

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// maxTracks bounds the tracks of a session: two channels each.
const maxTracks = 16

// layout says on which channel each track of a stream goes out; -1 is a track that was not set up. Players of
// the same layout get the very same bytes.
type layout struct {
	channels  [maxTracks]int16
	datagrams bool
}

func noTracks() layout {
	var l layout
	for i := range l.channels {
		l.channels[i] = -1
	}
	return l
}

// maxFormats bounds the layouts that clients can make the server know.
const maxFormats = 64

// formats are the wire formats of the layouts in use.
type formats struct {
	seed       uint32
	maxPayload int

	mu   sync.Mutex
	list map[layout]*media.Format
}

func (f *formats) init(maxPayload int) {
	f.seed, f.maxPayload, f.list = randomUint32(), maxPayload, map[layout]*media.Format{}
}

// get returns the format of a layout, or nil if there are too many.
func (f *formats) get(l layout) *media.Format {
	f.mu.Lock()
	defer f.mu.Unlock()
	if format := f.list[l]; format != nil {
		return format
	}
	if len(f.list) == maxFormats {
		return nil
	}
	name := "rtsp"
	if l.datagrams {
		name = "rtsp-udp"
	}
	format := &media.Format{Name: name, Schema: "rtsp", New: func() media.Muxer {
		return &muxer{formats: f, layout: l, tracks: map[int]*packetizer.Packetizer{}}
	}}
	f.list[l] = format
	return format
}

// ssrc is that of a track: the same in all formats, so that SETUP can tell.
func (f *formats) ssrc(index int) uint32 { return f.seed + uint32(index) }

// stamp returns the RTP timestamp of a time in a stream.
func (f *formats) stamp(at time.Duration, clockRate int) uint32 {
	seconds, rest := at/time.Second, at%time.Second
	ticks := int64(seconds)*int64(clockRate) + (int64(rest)*int64(clockRate)+int64(time.Second)/2)/int64(time.Second)
	return f.seed + uint32(ticks)
}

// reportEvery is the distance of sender reports.
const reportEvery = 5 * time.Second

// muxer makes RTP of a stream's packets.
type muxer struct {
	formats *formats
	layout  layout
	tracks  map[int]*packetizer.Packetizer // by the ID of the track
	order   []*packetizer.Packetizer
	epoch   time.Time // wall clock at the stream's start
	last    time.Duration
	report  time.Duration // when sender reports are due
	scratch []byte
	held    []*media.Packet // audio that goes out with the next picture
	pairs   bool            // there is video for it to go with
}

// maxHeld is how many audio frames share a datagram, and maxHold how long the first waits for the last.
const (
	maxHeld = 6
	maxHold = 40 * time.Millisecond
)

// describe makes packetizers for the tracks that are set up.
func (m *muxer) describe(d *media.Description) {
	m.epoch = d.Epoch
	m.order = m.order[:0]
	m.pairs = m.layout.datagrams && slices.ContainsFunc(d.Tracks, func(t *media.Track) bool { return t.Codec.Video() })
	for i, t := range d.Tracks {
		if i >= maxTracks || m.layout.channels[i] < 0 {
			continue
		}
		z := m.tracks[t.ID]
		if z == nil {
			offer, ok := sdp.OfferFor(t, i)
			if !ok {
				continue
			}
			var err error
			z, err = packetizer.New(t, packetizer.Config{
				Channel: byte(m.layout.channels[i]), PayloadType: offer.PayloadType, ClockRate: offer.ClockRate,
				SSRC: m.formats.ssrc(i), Seq: uint16(rand.Uint32()), Offset: m.formats.seed, MaxPayload: m.formats.maxPayload,
			})
			if err != nil {
				continue
			}
			m.tracks[t.ID] = z
		}
		m.order = append(m.order, z)
	}
}

// AppendHeader implements [media.Muxer]: sender reports come first, so that players know from the first packet
// on how the tracks belong together.
func (m *muxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	m.describe(d)
	return m.pack(dst, m.appendReports(nil)), nil
}

// AppendChange implements [media.Muxer]. New parameter sets come in band.
func (m *muxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	m.describe(d)
	return dst, nil
}

// AppendPacket implements [media.Muxer].
func (m *muxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	z := m.tracks[p.Track.ID]
	if z == nil {
		return dst, nil
	}
	m.last = p.DTS
	out := dst
	if m.layout.datagrams {
		out = m.scratch[:0]
	}
	if m.report == 0 { // the header has just told
		m.report = p.DTS + reportEvery
	}
	if p.DTS >= m.report {
		m.report = p.DTS + reportEvery
		out = m.appendReports(out)
	}
	if !m.layout.datagrams {
		return z.Append(out, p)
	}
	out = m.appendHeld(out, p)
	var err error
	if len(m.held) == 0 {
		out, err = z.Append(out, p)
	}
	m.scratch = out
	return appendRuns(dst, out), err
}

// appendHeld holds p back if it is AAC that can share a datagram with what follows: a datagram costs as much as
// a picture. It appends what was held if that cannot wait for more; frames that cannot be sent must not cost the
// picture.
func (m *muxer) appendHeld(dst []byte, p *media.Packet) []byte {
	joins := m.pairs && p.Track.Codec == media.AAC
	if n := len(m.held); n > 0 && (!joins || n == maxHeld || m.held[0].Track.ID != p.Track.ID || p.DTS-m.held[0].DTS >= maxHold) {
		dst, _ = m.tracks[m.held[0].Track.ID].AppendAll(dst, m.held)
		clear(m.held)
		m.held = m.held[:0]
	}
	if joins {
		m.held = append(m.held, p)
	}
	return dst
}

// appendReports appends a sender report of every track.
func (m *muxer) appendReports(dst []byte) []byte {
	for _, z := range m.order {
		dst = z.AppendReport(dst, m.last, m.epoch.Add(m.last))
	}
	return dst
}

func (m *muxer) pack(dst, frames []byte) []byte {
	if m.layout.datagrams {
		return appendRuns(dst, frames)
	}
	return append(dst, frames...)
}

// A run is datagrams of one channel and one size, but for the last, which may be shorter: what UDP GSO sends
// in one call. Its head is the channel, the size and the bytes of all.
const (
	runHead  = 1 + 2 + 4
	maxRun   = 64 // UDP_MAX_SEGMENTS
	maxBytes = 65000
)

// appendRuns turns interleaved frames into runs.
func appendRuns(dst, frames []byte) []byte {
	head, count, open := 0, 0, false
	for len(frames) >= 4 {
		channel, size := frames[1], int(binary.BigEndian.Uint16(frames[2:]))
		packet := frames[4 : 4+size]
		frames = frames[4+size:]
		if open {
			unit, total := int(binary.BigEndian.Uint16(dst[head+1:])), len(dst)-head-runHead
			open = dst[head] == channel && size <= unit && total == count*unit && count < maxRun && total+size <= maxBytes
		}
		if !open {
			head, count, open = len(dst), 0, true
			dst = append(dst, channel, byte(size>>8), byte(size), 0, 0, 0, 0)
		}
		dst = append(dst, packet...)
		count++
		binary.BigEndian.PutUint32(dst[head+3:], uint32(len(dst)-head-runHead))
	}
	return dst
}

// takeRun takes the first run off a chunk.
func takeRun(chunk []byte) (channel byte, unit int, packets, rest []byte) {
	channel, unit = chunk[0], int(binary.BigEndian.Uint16(chunk[1:]))
	end := runHead + int(binary.BigEndian.Uint32(chunk[3:]))
	return channel, unit, chunk[runHead:end], chunk[end:]
}
