package clip

import (
	"context"
	"io"
	"time"

	"github.com/sluice-media/sluice/media"
)

// source plays a clip once, for one viewer.
type source struct {
	clip *Clip
	next int
}

var _ media.Source = (*source)(nil)

// Source returns the clip as a source that one viewer plays, from its beginning.
func (c *Clip) Source() media.Source { return &source{clip: c} }

// Tracks implements [media.Source].
func (s *source) Tracks() []*media.Track { return s.clip.tracks }

// Duration implements [media.Source].
func (s *source) Duration() time.Duration { return s.clip.length }

// ReadPacket implements [media.Source].
func (s *source) ReadPacket(context.Context) (*media.Packet, error) {
	if s.next == len(s.clip.packets) {
		return nil, io.EOF
	}
	p := *s.clip.packets[s.next]
	first := s.clip.packets[0].DTS
	p.DTS, p.PTS = p.DTS-first, p.PTS-first
	s.next++
	return &p, nil
}

// Seek implements [media.Source].
func (s *source) Seek(_ context.Context, at time.Duration) (time.Duration, error) {
	first, to := s.clip.packets[0].DTS, 0
	for i, p := range s.clip.packets {
		if p.DTS-first > at {
			break
		}
		if p.Key && p.Track.Codec.Video() {
			to = i
		}
	}
	s.next = to
	return s.clip.packets[to].DTS - first, nil
}

// Close implements [media.Source].
func (s *source) Close() error { return nil }
