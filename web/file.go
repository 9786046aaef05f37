package web

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// fileChunker makes one file of what a chunker makes, for formats whose files have one header, such as MP4. Readers of streams take a
// second one, as a browser's SourceBuffer does, and readers of files pass over it: it may come where the tracks are the same and only
// pictures have become others, which then bring with them what a decoder needs to know. Where anything else changes the readers get the
// end, as readers of files would take what follows for what it is not.
type fileChunker struct {
	media.Chunker
	tracks []*media.Track
	begun  bool // readers may have got the header
	// changed says that readers may have passed over a header.
	changed bool
}

// AppendHeader implements [media.Chunker].
func (m *fileChunker) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	if m.begun && !slices.EqualFunc(m.tracks, d.Tracks, goesOn) {
		return dst, io.EOF
	}
	m.tracks = d.Tracks
	return m.Chunker.AppendHeader(dst, d)
}

// AppendChange implements [media.Chunker].
func (m *fileChunker) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	if !m.begun {
		return dst, nil
	}
	header, err := m.Chunker.AppendChange(dst, d)
	m.changed = m.changed || len(header) > len(dst)
	return header, err
}

// WritePacket implements [media.Chunker].
func (m *fileChunker) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	m.begun = m.begun || start
	if m.changed && p.Key {
		p = withSets(p)
	}
	return m.Chunker.WritePacket(w, p, start)
}

// goesOn reports whether who has a track's header can decode what the track has become.
func goesOn(before, now *media.Track) bool {
	if before.Codec != now.Codec {
		return false
	}
	switch now.Codec {
	case media.H264, media.H265, media.VP8, media.VP9: // it is in the pictures
		return true
	}
	return slices.Equal(before.Config, now.Config) && before.ClockRate == now.ClockRate && before.SampleRate == now.SampleRate &&
		before.Channels == now.Channels && before.Width == now.Width && before.Height == now.Height
}

// withSets returns a key picture with the parameter sets of its track in front, and without the delimiters that would belong there: a copy,
// if it has any.
func withSets(p *media.Packet) *media.Packet {
	codec := p.Track.Codec
	if codec != media.H264 && codec != media.H265 {
		return p
	}
	sets, _, err := h26x.Parse(codec, p.Track.Config)
	if err != nil {
		return p // the muxer has its own opinion of it
	}
	whole := *p
	whole.Data = make([]byte, 0, len(p.Track.Config)+len(p.Data)+64)
	add := func(unit []byte) {
		whole.Data = append(binary.BigEndian.AppendUint32(whole.Data, uint32(len(unit))), unit...)
	}
	for _, set := range slices.Concat(sets.VPS, sets.SPS, sets.PPS) {
		add(set)
	}
	for unit := range h26x.Units(p.Data) {
		if !h26x.Idle(codec, h26x.UnitType(codec, unit[0])) {
			add(unit)
		}
	}
	return &whole
}
