package gb28181

import (
	"errors"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/mpegps"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// outKey tells apart what senders of a stream cannot share.
type outKey struct {
	payload   Payload
	audioOnly bool
	most      int
	g711      time.Duration
}

// newOutFormat returns the format of a key, whose chunks are runs of RTP packets without a label.
func newOutFormat(k outKey) *media.Format {
	f := &media.Format{Schema: "rtp", Carries: k.carries}
	switch k.payload {
	case PayloadPS:
		f.Name = "rtp-ps"
		f.New = func() media.Muxer { return &psMuxer{packer: newPacker(k.most)} }
	case PayloadTS:
		const perPacket = tsPacket
		most := max(k.most/perPacket, 1) * perPacket
		f.Name = "rtp-ts"
		f.NewChunker = func() media.Chunker {
			return &tsChunker{inner: mpegts.NewMuxer(), to: packWriter{packer: newPacker(most)}}
		}
	default:
		f.Name = "rtp-es"
		f.New = func() media.Muxer { return &esMuxer{key: k} }
	}
	return f
}

// carries reports whether a track can be sent.
func (k outKey) carries(t *media.Track) bool {
	if k.audioOnly && t.Codec.Video() {
		return false
	}
	switch k.payload {
	case PayloadPS:
		return mpegps.Carries(t)
	case PayloadTS:
		return mpegts.Carries(t)
	}
	return sdp.Carries(t)
}

// psMuxer makes MPEG-PS.
type psMuxer struct {
	packer
	inner *mpegps.Muxer
	bytes []byte
}

var _ media.Muxer = (*psMuxer)(nil)

// AppendHeader implements [media.Muxer]. What has to be known stands in each chunk with which a reader can begin.
func (m *psMuxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	return m.AppendChange(dst, d)
}

// AppendChange implements [media.Muxer].
func (m *psMuxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	inner, err := mpegps.NewMuxer(d.Tracks)
	if errors.Is(err, mpegps.ErrNoTracks) {
		err = nil // there may be some again
	}
	m.inner = inner
	return dst, err
}

// AppendPacket implements [media.Muxer].
func (m *psMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	if m.inner == nil {
		return dst, nil
	}
	b, err := m.inner.Append(m.bytes[:0], p)
	if err != nil {
		return dst, err
	}
	m.bytes = b
	return m.append(dst, b, p.DTS), nil
}

// tsChunker puts a transport stream into RTP.
type tsChunker struct {
	inner *mpegts.Muxer
	to    packWriter
}

var _ media.Chunker = (*tsChunker)(nil)

// AppendHeader implements [media.Chunker].
func (c *tsChunker) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	_, err := c.inner.AppendHeader(nil, d) // the tables stand in each chunk with which a reader can begin
	return dst, err
}

// AppendChange implements [media.Chunker].
func (c *tsChunker) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	b, err := c.inner.AppendChange(nil, d)
	return c.to.append(dst, b, c.to.last), err
}

// WritePacket implements [media.Chunker].
func (c *tsChunker) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	c.to.out = w
	return c.inner.WritePacket(&c.to, p, start)
}

// Flush implements [media.Chunker].
func (c *tsChunker) Flush(w media.ChunkWriter) error {
	c.to.out = w
	return c.inner.Flush(&c.to)
}

// packWriter puts chunks into RTP.
type packWriter struct {
	packer
	out  media.ChunkWriter
	tail []byte
	last time.Duration
}

// Tail implements [media.ChunkWriter].
func (w *packWriter) Tail(n int) []byte {
	if cap(w.tail) < n {
		w.tail = make([]byte, 0, n)
	}
	return w.tail[:0]
}

// Write implements [media.ChunkWriter].
func (w *packWriter) Write(c media.Chunk) {
	w.last = c.DTS
	n := len(c.Data)
	c.Data = w.append(w.out.Tail(n+n/64+headroom), c.Data, c.DTS)
	w.out.Write(c)
}

// headroom is about what a chunk grows by that is put into packets, besides a part of its size.
const headroom = 256

// esMuxer makes the RTP of one track: the first of video, or of audio.
type esMuxer struct {
	key    outKey
	of     *packetizer.Packetizer
	track  *media.Track
	frames []byte
	held   []byte // of G.711, until it makes a packet
	at     time.Duration
}

var (
	_ media.Muxer   = (*esMuxer)(nil)
	_ media.Flusher = (*esMuxer)(nil)
)

// AppendHeader implements [media.Muxer].
func (m *esMuxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	return m.AppendChange(dst, d)
}

// AppendChange implements [media.Muxer]. Parameter sets come in band.
func (m *esMuxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	t := firstOf(d.Tracks)
	switch {
	case t == nil:
		m.track, m.of = nil, nil
		return dst, nil
	case m.track != nil && m.track.ID == t.ID && m.track.Codec == t.Codec:
		m.track = t
		return dst, nil
	}
	offer, ok := sdp.OfferFor(t, 0)
	if !ok {
		return dst, nil
	}
	z, err := packetizer.New(t, packetizer.Config{ClockRate: offer.ClockRate, MaxPayload: m.key.most})
	m.of, m.track = z, t
	return dst, err
}

// firstOf is the track that is sent; nil if there is none.
func firstOf(tracks []*media.Track) *media.Track {
	for _, video := range []bool{true, false} {
		if i := slices.IndexFunc(tracks, func(t *media.Track) bool { return t.Codec.Video() == video }); i >= 0 {
			return tracks[i]
		}
	}
	return nil
}

// AppendPacket implements [media.Muxer].
func (m *esMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	if m.of == nil || p.Track.ID != m.track.ID {
		return dst, nil
	}
	if p.Track.Codec == media.G711A || p.Track.Codec == media.G711U {
		return m.samples(dst, p)
	}
	return m.pack(dst, p)
}

func (m *esMuxer) pack(dst []byte, p *media.Packet) ([]byte, error) {
	frames, err := m.of.Append(m.frames[:0], p)
	m.frames = frames
	return datagram.AppendRuns(dst, frames), err
}

// samples gathers G.711 until it makes a packet of the length that is wanted.
func (m *esMuxer) samples(dst []byte, p *media.Packet) ([]byte, error) {
	rate := max(p.Track.SampleRate, 8000) * max(p.Track.Channels, 1) // bytes a second
	size := min(int(m.key.g711*time.Duration(rate)/time.Second), m.key.most)
	lasts := func(n int) time.Duration { return time.Duration(n) * time.Second / time.Duration(rate) }
	if gap := p.DTS - m.at - lasts(len(m.held)); len(m.held) > 0 && (gap > time.Second/10 || gap < -time.Second/10) {
		var err error
		if dst, err = m.AppendHeld(dst); err != nil {
			return dst, err
		}
	}
	if len(m.held) == 0 {
		m.at = p.DTS
	}
	m.held = append(m.held, p.Data...)
	for len(m.held) >= size {
		var err error
		if dst, err = m.pack(dst, &media.Packet{Track: p.Track, DTS: m.at, PTS: m.at, Data: m.held[:size]}); err != nil {
			return dst, err
		}
		m.held = m.held[:copy(m.held, m.held[size:])]
		m.at += lasts(size)
	}
	return dst, nil
}

// AppendHeld implements [media.Flusher].
func (m *esMuxer) AppendHeld(dst []byte) ([]byte, error) {
	if len(m.held) == 0 || m.of == nil {
		return dst, nil
	}
	dst, err := m.pack(dst, &media.Packet{Track: m.track, DTS: m.at, PTS: m.at, Data: m.held})
	m.held = m.held[:0]
	return dst, err
}
