package hlscheck_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// film is what is published again and again.
type film struct {
	tracks  []*media.Track
	packets []*media.Packet
	next    int
}

func load(t *testing.T, flv []byte) *film {
	t.Helper()
	f := &film{}
	f.tracks, f.packets = reel.Load(t, flv)
	return f
}

// only is a film without its other tracks.
func (f *film) only(video bool) *film {
	g := &film{}
	for _, t := range f.tracks {
		if t.Codec.Video() == video {
			g.tracks = append(g.tracks, t)
		}
	}
	for _, p := range f.packets {
		if p.Track.Codec.Video() == video {
			g.packets = append(g.packets, p)
		}
	}
	return g
}

// show is a publisher at the time of its stamps, that has all the mishaps there are.
type show struct {
	t     *testing.T
	media *media.Server
	pub   *media.Publisher
	film  *film
	base  time.Duration // of the stamps
	begun time.Time     // when base was
	start time.Duration // of the film, where it was taken up
}

// publish begins, or goes on as another publisher, whose stamps begin anew.
func (s *show) publish(ctx context.Context, f *film) {
	s.t.Helper()
	var err error
	s.pub, err = s.media.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "test"}, Schema: "rtmp"})
	require.NoError(s.t, err)
	s.base, s.begun = 0, time.Now()
	s.take(f)
}

// take goes on with a film, from a key frame.
func (s *show) take(f *film) {
	s.t.Helper()
	s.base += time.Since(s.begun)
	s.begun = time.Now()
	s.film = f
	f.next = 0
	s.start = f.packets[0].DTS
	require.NoError(s.t, s.pub.SetTracks(f.tracks...))
}

// play publishes for a while what keep lets through.
func (s *show) play(ctx context.Context, lasts time.Duration, keep func(i int, p *media.Packet) bool) {
	s.t.Helper()
	f := s.film
	for until := time.Now().Add(lasts); time.Now().Before(until); f.next++ {
		n := len(f.packets)
		round := time.Duration(f.next/n) * (f.packets[n-1].DTS + 40*time.Millisecond - s.start)
		p := *f.packets[f.next%n]
		at := p.DTS - s.start + round
		p.PTS += s.base + at - p.DTS
		p.DTS = s.base + at
		select {
		case <-time.After(time.Until(s.begun.Add(at))):
		case <-ctx.Done():
			return
		}
		if keep == nil || keep(f.next, &p) {
			require.NoError(s.t, s.pub.WritePacket(&p))
		}
	}
}

// mishaps is one round of all that may happen to a stream.
func (s *show) mishaps(ctx context.Context, films map[string]*film) {
	s.t.Helper()
	nothing := func(int, *media.Packet) bool { return false }
	s.play(ctx, 4*time.Second, nil)
	s.play(ctx, 1300*time.Millisecond, nothing) // the network was gone
	s.play(ctx, 2*time.Second, func(i int, p *media.Packet) bool { return p.Key || i%5 != 0 })
	s.pub.Close(io.ErrUnexpectedEOF)
	s.publish(ctx, films["small"])
	s.play(ctx, 3*time.Second, nil)
	s.take(films["large"])
	s.play(ctx, 3*time.Second, nil)
	s.take(films["H.265"])
	s.play(ctx, 2500*time.Millisecond, nil)
	s.take(films["without sound"])
	s.play(ctx, 2500*time.Millisecond, nil)
	s.take(films["with B-frames"])
	s.play(ctx, 2500*time.Millisecond, nil)
	s.base += 20 * time.Second // a clock was set
	s.play(ctx, 2*time.Second, nil)
	s.take(films["sound"])
	s.play(ctx, 2500*time.Millisecond, nil)
	s.take(films["small"])
	s.play(ctx, 2*time.Second, nil)
}

func films(t *testing.T) map[string]*film {
	t.Helper()
	small, large := load(t, testmedia.H264()), load(t, testmedia.Demo())
	return map[string]*film{
		"small": small, "large": large, "without sound": large.only(true), "sound": small.only(false), "with B-frames": load(t, testmedia.H264B()),
		"H.265": hevc(t, testmedia.H265()),
	}
}

// hevc is a film of an elementary stream of H.265, whose pictures are shown in the order in which they are sent.
func hevc(t *testing.T, stream []byte) *film {
	t.Helper()
	var sets h26x.Sets
	track := &media.Track{ID: 1, Codec: media.H265}
	f := &film{tracks: []*media.Track{track}}
	for unit := range bytes.SplitSeq(bytes.ReplaceAll(stream, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1}) {
		if len(unit) < 3 {
			continue
		}
		switch typ := h26x.UnitType(media.H265, unit[0]); {
		case typ == h26x.HEVCVPS && sets.VPS == nil:
			sets.VPS = [][]byte{unit}
		case typ == h26x.HEVCSPS && sets.SPS == nil:
			sets.SPS = [][]byte{unit}
		case typ == h26x.HEVCPPS && sets.PPS == nil:
			sets.PPS = [][]byte{unit}
		case typ < h26x.HEVCVPS && unit[2]&0x80 != 0: // the first slice of a picture
			at := time.Duration(len(f.packets)) * 40 * time.Millisecond
			f.packets = append(f.packets, &media.Packet{
				Track: track, DTS: at, PTS: at, Key: h26x.StartsPicture(media.H265, unit[0]),
				Data: append(binary.BigEndian.AppendUint32(nil, uint32(len(unit))), unit...),
			})
		}
	}
	track.Config = sets.Config(media.H265)
	h26x.Describe(track, sets)
	require.Equal(t, 320, track.Width)
	return f
}
