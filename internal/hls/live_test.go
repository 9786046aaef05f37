package hls_test

import (
	"bytes"
	"context"
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

	plain = hls.Config{Target: time.Second, Count: 3, Retain: 2, Suffix: ".ts", Tables: 376}
	low   = hls.Config{Target: time.Second, Count: 3, Retain: 2, Suffix: ".mp4", Part: 400 * time.Millisecond}
	now   = hls.Reload{Segment: -1, Part: -1}
)

// source publishes a film again and again.
type source struct {
	t       *testing.T
	pub     *media.Publisher
	packets []*media.Packet
	next    int
	lasts   time.Duration
}

func newSource(t *testing.T) *source {
	tracks, packets := reel.Load(t, testmedia.H264())
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "x"}, Schema: "rtmp"})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(tracks...))
	return &source{t: t, pub: pub, packets: packets, lasts: packets[len(packets)-1].DTS + 40*time.Millisecond}
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
		require.NoError(s.t, s.pub.WritePacket(&p))
		s.next++
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
		s.write(time.Second)
		before := text
		require.Eventually(t, func() bool {
			text, err = l.Playlist(t.Context(), now, "")
			return err == nil && text != before
		}, 20*time.Second, time.Millisecond)
		require.LessOrEqual(t, len(uris(text)), 3)
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
	require.Contains(t, text, "_1.p0.mp4\"")
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
