package hls_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ts  = &media.Format{Name: "ts", Schema: "ts", Carries: mpegts.Carries, NewChunker: func() media.Chunker { return mpegts.NewMuxer() }}
	mp4 = &media.Format{Name: "fmp4", Schema: "fmp4", Carries: fmp4.Carries, NewChunker: func() media.Chunker { return fmp4.NewMuxer() }}

	plain = hls.Config{Target: time.Second, Count: 3, Retain: 2, Suffix: ".ts"}
	low   = hls.Config{Target: time.Second, Count: 3, Retain: 2, Suffix: ".mp4", Init: true, Part: 400 * time.Millisecond}
	now   = hls.Reload{Segment: -1, Part: -1}
)

// source publishes a film again and again.
type source struct {
	t       *testing.T
	media   *media.Server
	pub     *media.Publisher
	tracks  []*media.Track
	packets []*media.Packet
	only    *media.Track // of which packets are published; nil for all
	next    int
	lasts   time.Duration
}

func newSource(t *testing.T) *source {
	tracks, packets := reel.Load(t, testmedia.H264())
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	s := &source{t: t, media: m, tracks: tracks, packets: packets, lasts: packets[len(packets)-1].DTS + 40*time.Millisecond}
	s.publish()
	return s
}

// publish begins, or goes on as another publisher.
func (s *source) publish() {
	s.t.Helper()
	var err error
	s.pub, err = s.media.Publish(s.t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "x"}, Schema: "rtmp"})
	require.NoError(s.t, err)
	require.NoError(s.t, s.pub.SetTracks(s.tracks...))
}

// write publishes a stretch of the film.
func (s *source) write(stretch time.Duration) {
	s.t.Helper()
	until := s.at() + stretch
	for s.at() < until {
		p := *s.packets[s.next%len(s.packets)]
		round := time.Duration(s.next/len(s.packets)) * s.lasts
		p.DTS += round
		p.PTS += round
		s.next++
		if s.only == nil || p.Track.ID == s.only.ID {
			require.NoError(s.t, s.pub.WritePacket(&p))
		}
	}
}

func (s *source) at() time.Duration {
	return s.packets[s.next%len(s.packets)].DTS + time.Duration(s.next/len(s.packets))*s.lasts
}

func (s *source) open(f *media.Format, cfg hls.Config) *hls.Live {
	s.t.Helper()
	l, release, err := media.Share(s.t.Context(), s.pub.Stream(), cfg, time.Minute, func(ctx context.Context) (*hls.Live, error) {
		return hls.Open(ctx, s.pub.Stream(), f, cfg)
	})
	require.NoError(s.t, err)
	s.t.Cleanup(release)
	return l
}

// What the log has is the first segment, and is there at once.
func TestFirstViewerNeedNotWait(t *testing.T) {
	s := newSource(t)
	s.write(1500 * time.Millisecond)
	for _, f := range []*media.Format{ts, mp4} {
		cfg := plain
		if f == mp4 {
			cfg = low
		}
		l := s.open(f, cfg)
		text, err := l.Playlist(t.Context(), now, "a=b")
		require.NoError(t, err)
		name := uris(text)[0]
		require.Contains(t, text, name+"?a=b\n")
		data, err := l.Find(t.Context(), name)
		require.NoError(t, err)
		require.NotEmpty(t, bytes.Join(data, nil))
		_, err = l.Find(t.Context(), "2026-01-01/00/00-00_0.ts")
		require.ErrorIs(t, err, hls.ErrNotFound)
	}
}

// The first segment of MPEG-TS has sound as well as pictures, however new the newest key frame is: players look there for what there is.
func TestFirstSegmentHasBoth(t *testing.T) {
	s := newSource(t)
	s.write(20 * time.Millisecond) // a key frame, and hardly more
	l := s.open(ts, plain)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := l.Playlist(ctx, now, "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	s.write(400 * time.Millisecond)
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	text, err := l.Playlist(ctx, now, "")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(text, "#EXTINF:")
	first, err := strconv.ParseFloat(rest[:strings.IndexByte(rest, ',')], 64)
	require.NoError(t, err)
	require.GreaterOrEqual(t, first, 0.3)
}

// Sound that comes some time behind its pictures, as cameras send it, is part of the same stream: nothing is torn.
func TestSoundComesLate(t *testing.T) {
	for _, cfg := range []hls.Config{plain, low} {
		cfg.Count = 100
		inTime := 0
		for _, lag := range []time.Duration{0, 30 * time.Millisecond, 700 * time.Millisecond, 2500 * time.Millisecond} {
			s := newSource(t)
			arrives := func(p *media.Packet) time.Duration {
				if p.Track.Codec.Video() {
					return p.DTS
				}
				return p.DTS + lag
			}
			var packets []*media.Packet
			for round := range 10 {
				for _, p := range s.packets {
					x := *p
					x.DTS += time.Duration(round) * s.lasts
					x.PTS += time.Duration(round) * s.lasts
					packets = append(packets, &x)
				}
			}
			slices.SortStableFunc(packets, func(a, b *media.Packet) int { return cmp.Compare(arrives(a), arrives(b)) })
			isVideo := func(p *media.Packet) bool { return p.Track.Codec.Video() }
			for lag > time.Second && !isVideo(packets[len(packets)-1]) { // what comes alone so late is torn off
				packets = packets[:len(packets)-1]
			}
			f := ts
			if cfg.Init {
				f = mp4
			}
			var l *hls.Live
			for i, p := range packets {
				require.NoError(t, s.pub.WritePacket(p))
				if i == 40 {
					l = s.open(f, cfg)
					_, err := l.Playlist(t.Context(), now, "")
					require.NoError(t, err)
				}
			}
			s.pub.Close(nil)
			require.Eventually(t, l.Ended, 20*time.Second, time.Millisecond)
			text, err := l.Playlist(t.Context(), now, "")
			require.NoError(t, err)
			require.NotContains(t, text, "#EXT-X-DISCONTINUITY", "%v", lag)
			if lag == 0 {
				inTime = len(uris(text))
			}
			require.InDelta(t, inTime, len(uris(text)), 2, "%v: %s", lag, text)
		}
	}
}

// Other tracks, and another publisher that goes on, are told as discontinuities; the initialization segment is the new one's
// then, and none is within a segment.
func TestDiscontinuities(t *testing.T) {
	s := newSource(t)
	s.write(1500 * time.Millisecond)
	l := s.open(mp4, low)
	_, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	var text string
	until := func(words string) {
		t.Helper()
		require.Eventually(t, func() bool {
			text, err = l.Playlist(t.Context(), now, "")
			return err == nil && strings.Contains(text, words)
		}, 20*time.Second, time.Millisecond, words)
	}
	s.pub.Close(io.ErrUnexpectedEOF)
	s.publish()
	s.write(1500 * time.Millisecond)
	until("#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM")
	require.Equal(t, 1, strings.Count(text, "#EXT-X-MAP"), "the tracks are the same")
	require.NoError(t, s.pub.SetTracks(s.tracks[0])) // without the other
	s.only = s.tracks[0]
	s.write(1500 * time.Millisecond)
	until("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init_1.mp4\"\n")
	_, err = l.Find(t.Context(), "init_1.mp4")
	require.NoError(t, err)
	for _, name := range uris(text) {
		data, err := l.Find(t.Context(), name)
		require.NoError(t, err)
		require.NotContains(t, string(bytes.Join(data, nil)), "moov")
	}
	s.write(10 * time.Second)
	until("#EXT-X-DISCONTINUITY-SEQUENCE:2\n")
	require.NotContains(t, text, "#EXT-X-ENDLIST")
}

// Also while the next segment has not begun, as behind what the log had, the playlist says what its first part will be called:
// hls.js 1.7 gives up at a playlist with parts that ends with a segment. Who asks for it gets it when it is there.
func TestHintOfASegmentThatHasNotBegun(t *testing.T) {
	s := newSource(t)
	s.write(500 * time.Millisecond)
	l := s.open(mp4, low)
	text, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	require.Len(t, uris(text), 1)
	_, hint, ok := strings.Cut(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"")
	require.True(t, ok, text)
	hint, _, _ = strings.Cut(hint, `"`)
	require.Contains(t, hint, "_0.p2.mp4") // whichever segment it comes to belong to
	found := make(chan error, 1)
	go func() {
		_, err := l.Find(t.Context(), hint)
		found <- err
	}()
	s.write(2 * time.Second)
	require.NoError(t, <-found)
}

// The segment behind what the log had does not begin with a key frame, nor do those in the midst of a long group. The playlist
// says in which to begin then.
func TestStartWhereAKeyFrameIs(t *testing.T) {
	s := newSource(t)
	s.write(500 * time.Millisecond)
	l := s.open(ts, plain)
	_, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	named := 0
	for range 12 {
		s.write(500 * time.Millisecond)
		var text string
		require.Eventually(t, func() bool {
			was := text
			text, err = l.Playlist(t.Context(), now, "")
			return err == nil && was == text
		}, 20*time.Second, 20*time.Millisecond)
		_, start, ok := strings.Cut(text, "#EXT-X-START:TIME-OFFSET=")
		if ok {
			start, _, _ = strings.Cut(start, "\n")
			offset, err := time.ParseDuration(start + "s")
			require.NoError(t, err)
			require.True(t, startsWithKey(t, l, segmentAt(t, text, offset)), text)
			named++
			continue
		}
		for _, name := range uris(text) {
			require.True(t, startsWithKey(t, l, name), text)
		}
	}
	require.Positive(t, named)
}

// segmentAt returns what a playlist has at a time from its beginning.
func segmentAt(t *testing.T, text string, at time.Duration) string {
	t.Helper()
	list := uris(text)
	for line := range strings.Lines(text) {
		seconds, ok := strings.CutPrefix(line, "#EXTINF:")
		if !ok {
			continue
		}
		lasts, err := time.ParseDuration(strings.TrimSuffix(seconds, ",\n") + "s")
		require.NoError(t, err)
		if at < lasts {
			return list[0]
		}
		at -= lasts
		list = list[1:]
	}
	require.Fail(t, "the playlist ends before", text)
	return ""
}

// startsWithKey reports whether there are parameter sets in the first picture of a segment.
func startsWithKey(t *testing.T, l *hls.Live, name string) bool {
	t.Helper()
	pieces, err := l.Find(t.Context(), name)
	require.NoError(t, err)
	data := bytes.Join(pieces, nil)
	return bytes.Contains(data[:min(len(data), 8*188)], []byte{0, 0, 1, 0x67})
}

// Groups of pictures whose length is that of a segment, but for the rounding of stamps, are a segment each.
func TestStampsAreRounded(t *testing.T) {
	s := newSource(t)
	first := s.packets[slices.IndexFunc(s.packets, func(p *media.Packet) bool { return p.Track.Codec.Video() })]
	sound := s.packets[slices.IndexFunc(s.packets, func(p *media.Packet) bool { return !p.Track.Codec.Video() })]
	at, group := time.Duration(0), []time.Duration{1000, 999, 1000, 1001, 999, 999, 1002, 999, 1000, 1000}
	write := func(i int) {
		p := *sound // right before the key frame
		p.DTS = max(at-time.Millisecond, 0)
		p.PTS = p.DTS
		require.NoError(t, s.pub.WritePacket(&p))
		for n := range 25 {
			p := *first
			p.Key = n == 0
			p.DTS = at + time.Duration(n)*40*time.Millisecond
			p.PTS = p.DTS
			require.NoError(t, s.pub.WritePacket(&p))
		}
		at += group[i] * time.Millisecond
	}
	write(0)
	l := s.open(ts, hls.Config{Target: time.Second, Count: 20, Suffix: ".ts"})
	_, err := l.Playlist(t.Context(), now, "") // what was there is a segment now
	require.NoError(t, err)
	for i := range group {
		write(i)
	}
	s.pub.Close(nil)
	require.Eventually(t, l.Ended, 20*time.Second, time.Millisecond)
	text, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	require.Equal(t, 1, numberOf(t, text, "#EXT-X-TARGETDURATION:"))
	for i, part := range strings.Split(text, "#EXTINF:")[1:] {
		if i == 1 {
			continue // what was left of the group that the log had
		}
		seconds, err := strconv.ParseFloat(part[:5], 64)
		require.NoError(t, err)
		require.InDelta(t, 1, seconds, 0.05, text)
	}
}

// The numbers of segments go on where nobody has watched for a while.
func TestNumbersGoOn(t *testing.T) {
	s := newSource(t)
	s.write(500 * time.Millisecond)
	number := func() int {
		l, release, err := media.Share(t.Context(), s.pub.Stream(), plain, 0, func(ctx context.Context) (*hls.Live, error) {
			return hls.Open(ctx, s.pub.Stream(), ts, plain)
		})
		require.NoError(t, err)
		text, err := l.Playlist(t.Context(), now, "")
		require.NoError(t, err)
		release()
		require.Eventually(t, l.Ended, 20*time.Second, time.Millisecond)
		return numberOf(t, text, "#EXT-X-MEDIA-SEQUENCE:")
	}
	first := number()
	time.Sleep(time.Second)
	require.Greater(t, number(), first)
}

// A client that has the playlist gets what is new of a long one.
func TestDeltaUpdate(t *testing.T) {
	cfg := low
	cfg.Count = 30
	s := newSource(t)
	s.write(500 * time.Millisecond)
	l := s.open(mp4, cfg)
	_, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	s.write(40 * time.Second)
	skip := hls.Reload{Segment: -1, Part: -1, Skip: true}
	s.pub.Close(nil) // so that nothing comes between the two
	var delta string
	require.Eventually(t, func() bool {
		delta, err = l.Playlist(t.Context(), skip, "")
		return err == nil && strings.HasSuffix(delta, "#EXT-X-ENDLIST\n")
	}, 20*time.Second, time.Millisecond)
	whole, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	_, text, ok := strings.Cut(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=")
	require.True(t, ok, delta)
	text, _, _ = strings.Cut(text, "\n")
	skipped, err := strconv.Atoi(text)
	require.NoError(t, err)
	require.Positive(t, skipped)
	require.Equal(t, uris(whole)[skipped:], uris(delta))
	require.Contains(t, delta, "#EXT-X-VERSION:9\n")
}

// The delayed playlist has more segments, in front.
func TestDelayedPlaylist(t *testing.T) {
	cfg := low
	cfg.Delay = 2
	s := newSource(t)
	s.write(500 * time.Millisecond)
	l := s.open(mp4, cfg)
	_, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	s.write(20 * time.Second)
	s.pub.Close(nil) // so that nothing comes between the two
	require.Eventually(t, l.Ended, 20*time.Second, time.Millisecond)
	text, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	more, err := l.Playlist(t.Context(), hls.Reload{Segment: 1 << 30, Delayed: true}, "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(uris(text)), 3)
	require.Len(t, uris(more), len(uris(text))+2)
	require.Equal(t, uris(text), uris(more)[2:])
	require.Equal(t, numberOf(t, text, "#EXT-X-MEDIA-SEQUENCE:"), numberOf(t, more, "#EXT-X-MEDIA-SEQUENCE:")+2)
	require.NotContains(t, more, "#EXT-X-PART")
	for _, name := range uris(more) {
		_, err := l.Find(t.Context(), name)
		require.NoError(t, err)
	}
}

// A multivariant playlist says what players have to know before they begin.
func TestMultivariant(t *testing.T) {
	s := newSource(t)
	s.write(5 * time.Second)
	l := s.open(mp4, low)
	text, err := l.Multivariant(t.Context(), "x.m3u8?a=b")
	require.NoError(t, err)
	require.Regexp(t, `^#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2",RESOLUTION=320x240,FRAME-RATE=25\.000
x\.m3u8\?a=b
$`, text)
	s.pub.Close(nil)
	require.Eventually(t, l.Ended, 20*time.Second, time.Millisecond)
	text, err = l.Multivariant(t.Context(), "x.m3u8")
	require.NoError(t, err)
	playlist, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	require.Zero(t, numberOf(t, playlist, "#EXT-X-MEDIA-SEQUENCE:"), "all are there")
	size, lasts, highest := 0, 0.0, 0.0
	for _, part := range strings.Split(playlist, "#EXTINF:")[1:] {
		seconds, rest, _ := strings.Cut(part, ",\n")
		name, _, _ := strings.Cut(rest, "\n")
		data, err := l.Find(t.Context(), name)
		require.NoError(t, err)
		n := len(bytes.Join(data, nil))
		x, err := strconv.ParseFloat(seconds, 64)
		require.NoError(t, err)
		size, lasts, highest = size+n, lasts+x, max(highest, float64(n*8)/x)
	}
	peak := numberOf(t, text, "#EXT-X-STREAM-INF:BANDWIDTH=")
	require.InEpsilon(t, highest, peak, 0.01)
	require.InEpsilon(t, float64(size*8)/lasts, numberOf(t, text, ",AVERAGE-BANDWIDTH="), 0.01)
}

// numberOf returns the number behind a word of a playlist.
func numberOf(t *testing.T, text, word string) int {
	t.Helper()
	_, rest, ok := strings.Cut(text, word)
	require.True(t, ok, text)
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	x, err := strconv.Atoi(rest[:n])
	require.NoError(t, err)
	return x
}

// uris returns the URIs of the segments of a playlist, without queries.
func uris(text string) (list []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			line, _, _ = strings.Cut(line, "?")
			list = append(list, line)
		}
	}
	return list
}

// While a stream goes on, what was listed is there, and the end is told.
func TestStreamGoesOnAndEnds(t *testing.T) {
	s := newSource(t)
	s.write(500 * time.Millisecond)
	l := s.open(ts, plain)
	text, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	seen := map[string]bool{}
	for range 20 {
		for _, name := range uris(text) {
			seen[name] = true
		}
		for name := range seen {
			_, err := l.Find(t.Context(), name)
			require.NoError(t, err, "it was listed a moment ago")
		}
		s.write(1500 * time.Millisecond)
		before := text
		require.Eventually(t, func() bool {
			text, err = l.Playlist(t.Context(), now, "")
			return err == nil && text != before
		}, 20*time.Second, time.Millisecond)
		require.LessOrEqual(t, len(uris(text)), 6) // some are shorter than a second
		require.NotContains(t, text, "#EXT-X-ENDLIST")
	}
	s.pub.Close(nil)
	require.Eventually(t, func() bool {
		text, err = l.Playlist(t.Context(), now, "")
		return err == nil && strings.HasSuffix(text, "#EXT-X-ENDLIST\n")
	}, 20*time.Second, time.Millisecond)
}

// A reload that asks for a part gets the playlist with it, and the part that is named before it comes is waited for.
func TestBlockingReload(t *testing.T) {
	s := newSource(t)
	s.write(500 * time.Millisecond)
	l := s.open(mp4, low)
	text, err := l.Playlist(t.Context(), now, "")
	require.NoError(t, err)
	require.Contains(t, text, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.200,")
	require.Contains(t, text, "#EXT-X-PART-INF:PART-TARGET=0.400\n")
	require.Contains(t, text, "#EXT-X-MAP:URI=\"init.mp4\"\n")
	init, err := l.Find(t.Context(), "init.mp4")
	require.NoError(t, err)
	require.Equal(t, "ftyp", string(init[0][4:8]))
	got := make(chan string, 1)
	go func() {
		text, _ := l.Playlist(t.Context(), hls.Reload{Segment: 1, Part: 0}, "")
		got <- text
	}()
	s.write(time.Second)
	text = <-got
	require.Contains(t, text, "_0.p2.mp4\"") // the first of segment 1: it might have been one more of segment 0
	_, hint, ok := strings.Cut(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"")
	require.True(t, ok, text)
	hint, _, _ = strings.Cut(hint, `"`)
	found := make(chan error, 1)
	go func() {
		_, err := l.Find(t.Context(), hint)
		found <- err
	}()
	s.write(2 * time.Second)
	require.NoError(t, <-found)
	_, err = l.Playlist(t.Context(), hls.Reload{Segment: 1000, Part: -1}, "")
	require.ErrorIs(t, err, hls.ErrTooFar)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Playlist(ctx, hls.Reload{Segment: 7, Part: 0}, "")
	require.Error(t, err)
}
