package mux

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// reportEvery is the distance of sender reports.
const reportEvery = 5 * time.Second

// muxer makes RTP of a stream's packets.
type muxer struct {
	formats *Formats
	layout  Layout
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
	m.pairs = m.layout.Datagrams && slices.ContainsFunc(d.Tracks, func(t *media.Track) bool { return t.Codec.Video() })
	for i, t := range d.Tracks {
		if i >= MaxTracks || m.layout.Channels[i] < 0 {
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
				Channel: byte(m.layout.Channels[i]), PayloadType: offer.PayloadType, ClockRate: offer.ClockRate,
				SSRC: m.formats.SSRC(i), Seq: uint16(rand.Uint32()), Offset: m.formats.seed, MaxPayload: m.formats.maxPayload,
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
	return m.layout.pack(dst, m.appendReports(nil)), nil
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
	if m.layout.Datagrams {
		out = m.scratch[:0]
	}
	if m.report == 0 { // the header has just told
		m.report = p.DTS + reportEvery
	}
	if p.DTS >= m.report {
		m.report = p.DTS + reportEvery
		out = m.appendReports(out)
	}
	if !m.layout.Datagrams {
		return z.Append(out, p)
	}
	out = m.appendHeld(out, p)
	var err error
	if len(m.held) == 0 {
		out, err = z.Append(out, p)
	}
	m.scratch = out
	return datagram.AppendRuns(dst, out), err
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
