package hls

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/internal/rfc6381"
	"github.com/sluice-media/sluice/media"
)

// Multivariant returns a multivariant playlist (RFC 8216, 4.3.4) of this stream alone, whose playlist is at uri: from it players
// know what they need to decode it. The bit rates are those of the segments there are, of which it waits for the first. The error
// is that of ctx or ErrNotFound.
func (l *Live) Multivariant(ctx context.Context, uri string) (text string, err error) {
	err = l.await(ctx, func() (bool, error) {
		ready, err := l.has(Reload{Segment: -1})
		if ready && err == nil {
			peak, average := l.bitRates()
			text = l.multivariant(uri, peak, average)
		}
		return ready, err
	})
	return text, err
}

// bitRates returns those of the segments that are complete, in bits a second: the highest of one and that of all. l.mu is held.
func (l *Live) bitRates() (peak, average int64) {
	var size int64
	var lasts time.Duration
	for _, e := range l.list {
		if e.lasts == 0 {
			continue
		}
		n := int64(0)
		for _, p := range e.parts {
			n += int64(len(p.Data))
		}
		size += n
		lasts += e.lasts
		peak = max(peak, bitRate(n, e.lasts))
	}
	return peak, bitRate(size, lasts)
}

func bitRate(size int64, lasts time.Duration) int64 {
	return int64(float64(size) * 8 / max(lasts, time.Millisecond).Seconds())
}

// multivariant writes the playlist. l.mu is held.
func (l *Live) multivariant(uri string, peak, average int64) string {
	var tracks []*media.Track
	for _, t := range l.stream.Description().Tracks {
		if l.format.Carries == nil || l.format.Carries(t) {
			tracks = append(tracks, t)
		}
	}
	b := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS=\"%s\"", peak, average, rfc6381.Names(tracks))
	for _, t := range l.stream.Stats().Tracks {
		if !t.Track.Codec.Video() {
			continue
		}
		if t.Track.Width > 0 && t.Track.Height > 0 {
			b = fmt.Appendf(b, ",RESOLUTION=%dx%d", t.Track.Width, t.Track.Height)
		}
		if t.FPS > 0 {
			b = fmt.Appendf(b, ",FRAME-RATE=%.3f", t.FPS)
		}
		break
	}
	return string(fmt.Appendf(b, "\n%s\n", uri))
}
