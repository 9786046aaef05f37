// Package still takes the newest picture of a stream at which decoding can start.
package still

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/media"
)

// ErrNoPicture says that a stream has no pictures, or none that can be shown.
var ErrNoPicture = errors.New("the stream has no pictures")

// Take returns the newest key picture of a stream. It waits for one until ctx ends.
func Take(ctx context.Context, st *media.Stream) (*media.Packet, error) {
	tracks, err := st.Tracks(ctx)
	if err != nil {
		return nil, err
	}
	if !hasPictures(tracks) {
		return nil, ErrNoPicture
	}
	r := st.Read()
	defer r.Close()
	batch := make([]*media.Packet, 32)
	for {
		n, err := r.ReadBatch(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("no key picture of the stream has come: %w", err)
		}
		for _, p := range batch[:n] {
			if p.Key && p.Track.Codec.Video() {
				return p, nil
			}
		}
	}
}

func hasPictures(tracks []*media.Track) bool {
	for _, t := range tracks {
		if t.Codec.Video() {
			return true
		}
	}
	return false
}

// MP4 returns a fragmented MP4 with a picture and nothing else. Of a codec that it does not carry it is [ErrNoPicture].
func MP4(p *media.Packet) ([]byte, error) {
	if !fmp4.Carries(p.Track) {
		return nil, fmt.Errorf("%w that MP4 carries, but %v", ErrNoPicture, p.Track.Codec)
	}
	m := fmp4.NewMuxer()
	b, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{p.Track}})
	if err != nil {
		return nil, err
	}
	alone := *p
	alone.DTS, alone.PTS = 0, 0
	w := bytesOf(b)
	if err := errors.Join(m.WritePacket(&w, &alone, true), m.Flush(&w)); err != nil {
		return nil, err
	}
	return w, nil
}

// bytesOf are chunks, one behind the other.
type bytesOf []byte

func (w *bytesOf) Tail(int) []byte     { return nil }
func (w *bytesOf) Write(c media.Chunk) { *w = append(*w, c.Data...) }
