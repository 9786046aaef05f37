package hls_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/internal/hls/hlscheck"
	"github.com/sluice-media/sluice/media"
)

// Parts last 85 % of their target at any rate of pictures.
func TestPartsAtAnyRate(t *testing.T) {
	for _, rate := range []float64{0.7, 1, 2, 3, 4, 5, 6, 7.5, 8, 10, 12, 15, 23.976, 25, 29.97, 50, 60} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			s := newSource(t)
			key := firstKey(s)
			require.NoError(t, s.pub.SetTracks(key.Track))
			i := 0
			write := func(lasts time.Duration) {
				for until := i + int(lasts.Seconds()*rate) + 1; i < until; i++ {
					p := *key
					p.DTS = time.Duration(float64(i) * float64(time.Second) / rate).Round(time.Millisecond)
					p.PTS = p.DTS
					if p.Key = i%max(int(2*rate), 1) == 0; !p.Key {
						p.Data = []byte{0, 0, 0, 3, 0x41, 0x9a, byte(i)}
					}
					require.NoError(t, s.pub.WritePacket(&p))
				}
			}
			write(12 * time.Second)
			cfg := low
			cfg.Part, cfg.Target = 500*time.Millisecond, 2*time.Second
			l := s.open(mp4, cfg)
			var seen hlscheck.History
			next := now
			for versions := 0; versions < 15; {
				write(200 * time.Millisecond) // a picture is there when the next is
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				text, err := l.Playlist(ctx, next, "")
				cancel()
				if err != nil {
					continue
				}
				p := seen.Take(text)
				require.Empty(t, seen.Problems, text)
				segment, part := p.Next()
				next = hls.Reload{Segment: int64(segment), Part: int64(part)}
				versions++
			}
		})
	}
}

func firstKey(s *source) *media.Packet {
	for _, p := range s.packets {
		if p.Key && p.Track.Codec.Video() {
			return p
		}
	}
	return nil
}

// A stream whose second picture comes long after somebody watches has no segment that is longer than the target duration, which was
// said before that was known.
func TestSlowerThanItSeemed(t *testing.T) {
	for _, cfg := range []hls.Config{plain, low} {
		s := newSource(t)
		key := firstKey(s)
		require.NoError(t, s.pub.SetTracks(key.Track))
		i := 0
		write := func() {
			p := *key
			p.DTS = time.Duration(i) * 5 * time.Second
			p.PTS = p.DTS
			require.NoError(t, s.pub.WritePacket(&p))
			i++
		}
		write()
		f := ts
		if cfg.Init {
			f = mp4
		}
		l := s.open(f, cfg)
		write()
		var seen hlscheck.History
		for range 20 {
			text, err := l.Playlist(t.Context(), now, "")
			require.NoError(t, err)
			require.NotNil(t, seen.Take(text))
			require.Empty(t, exceeded(seen.Problems), text)
			for again := text; again == text; time.Sleep(2 * time.Millisecond) {
				write() // a picture is there when the next is
				again, err = l.Playlist(t.Context(), now, "")
				require.NoError(t, err)
			}
		}
	}
}

// exceeded returns those of some problems that are not of parts: how long those are it takes two pictures to know.
func exceeded(problems []string) (list []string) {
	for _, p := range problems {
		if !strings.Contains(p, "part") {
			list = append(list, p)
		}
	}
	return list
}
