package mux

import (
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// muxer makes RTP of a stream's packets.
type muxer struct {
	formats *Formats
	layout  Layout
	terms   [MaxTracks]string              // what the players were told of the tracks
	tracks  map[int]*packetizer.Packetizer // by the ID of the track
	indexes map[int]int                    // of the tracks, by ID
	order   []*packetizer.Packetizer
	reports reports
	scratch []byte
	held    []*media.Packet // audio that goes out with the next picture
	pairs   bool            // there is video for it to go with
	alone   bool            // the next frame shares no datagram
}

// maxHeld is how many audio frames share a datagram, and maxHold how long the first waits for the last.
const (
	maxHeld = 6
	maxHold = 40 * time.Millisecond
)

// describe makes packetizers for the tracks that are set up. It returns io.EOF if they are not what the players were told
// of any more. One that is missing is no reason.
func (m *muxer) describe(d *media.Description) error {
	m.reports.describe(d)
	m.order = m.order[:0]
	m.pairs = m.layout.Datagrams && slices.ContainsFunc(d.Tracks, func(t *media.Track) bool { return t.Codec.Video() })
	for i, t := range d.Tracks {
		if i >= MaxTracks || m.layout.Channels[i] < 0 {
			continue
		}
		if termsAt(t, i) != m.terms[i] {
			return io.EOF
		}
		if z := m.packetizer(t, i); z != nil {
			m.order = append(m.order, z)
		}
	}
	return nil
}

// packetizer returns the one of a track, or nil if RTP cannot carry it.
func (m *muxer) packetizer(t *media.Track, index int) *packetizer.Packetizer {
	if z := m.tracks[t.ID]; z != nil {
		return z
	}
	offer, ok := sdp.OfferFor(t, index)
	if !ok {
		return nil
	}
	z, err := packetizer.New(t, packetizer.Config{
		Channel: byte(m.layout.Channels[index]), PayloadType: offer.PayloadType, ClockRate: offer.ClockRate,
		SSRC: m.formats.SSRC(index), Seq: uint16(rand.Uint32()), Offset: m.formats.seed, MaxPayload: m.formats.maxPayload,
	})
	if err != nil {
		return nil
	}
	m.tracks[t.ID], m.indexes[t.ID] = z, index
	return z
}

// AppendHeader implements [media.Muxer]. Sender reports are in front of the packet that a player begins with.
func (m *muxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	return dst, m.describe(d)
}

// AppendChange implements [media.Muxer]. New parameter sets come in band.
func (m *muxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	return dst, m.describe(d)
}

// AppendPacket implements [media.Muxer].
func (m *muxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	now := time.Now()
	m.reports.saw(p, now)
	z := m.tracks[p.Track.ID]
	if z == nil || !z.Follows(p.Track) && m.strange(p.Track) {
		return dst, nil
	}
	out := dst
	if m.layout.Datagrams {
		out = m.scratch[:0]
	}
	due := m.reports.due(p.DTS, now)
	if due {
		out = m.appendReports(out, p.DTS)
	}
	if !m.layout.Datagrams {
		return z.Append(out, p)
	}
	out = m.appendHeld(out, p, due)
	var err error
	if len(m.held) == 0 {
		out, err = z.Append(out, p)
	}
	m.scratch = out
	return datagram.AppendRuns(dst, out), err
}

// strange reports whether a track is one of before a change, which the players were not told of.
func (m *muxer) strange(t *media.Track) bool {
	i := m.indexes[t.ID]
	return termsAt(t, i) != m.terms[i]
}

// appendHeld holds p back if it is AAC that can share a datagram with what follows: a datagram costs as much as
// a picture. It appends what was held if that cannot wait for more; frames that cannot be sent must not cost the
// picture. Behind a report, with which a player may begin, the first frame goes alone: some clients learn from it how long
// frames are, and give those that share the first packet no time.
func (m *muxer) appendHeld(dst []byte, p *media.Packet, reported bool) []byte {
	aac := m.pairs && p.Track.Codec == media.AAC
	alone := reported || aac && m.alone
	if n := len(m.held); n > 0 && (alone || !aac || n == maxHeld || m.held[0].Track.ID != p.Track.ID || p.DTS-m.held[0].DTS >= maxHold) {
		dst = m.flushHeld(dst, alone)
		m.alone = false
	} else if reported {
		m.alone = true
	}
	if !aac {
		return dst
	}
	if alone {
		m.alone = false
		return dst
	}
	m.held = append(m.held, p)
	return dst
}

// flushHeld appends the frames that were held, together or each in a packet of its own.
func (m *muxer) flushHeld(dst []byte, alone bool) []byte {
	z := m.tracks[m.held[0].Track.ID]
	if alone {
		for _, p := range m.held {
			dst, _ = z.Append(dst, p)
		}
	} else {
		dst, _ = z.AppendAll(dst, m.held)
	}
	clear(m.held)
	m.held = m.held[:0]
	return dst
}

// appendReports appends a sender report of every track, about a time of the stream.
func (m *muxer) appendReports(dst []byte, at time.Duration) []byte {
	for _, z := range m.order {
		dst = z.AppendReport(dst, at, m.reports.clock.at(at))
	}
	return dst
}
