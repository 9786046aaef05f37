package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

// source is what is in an FLV file.
type source struct {
	tracks  []*media.Track
	packets []*media.Packet
}

func (s *source) SetTracks(tracks ...*media.Track) error {
	s.tracks = tracks
	return nil
}

func (s *source) SetMetadata(map[string]any) {}

func (s *source) WritePacket(p *media.Packet) error {
	s.packets = append(s.packets, p)
	return nil
}

func load(t *testing.T, path string) *source {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	s := &source{}
	demux, tags := flv.NewDemuxer(s), flv.NewReader(f)
	for {
		typ, stamp, body, err := tags.Next()
		if errors.Is(err, io.EOF) {
			return s
		}
		require.NoError(t, err)
		require.NoError(t, demux.Tag(typ, stamp, body))
	}
}

// publish publishes a source as a stream that has run for an age already, and goes on when so many players have come. It returns what
// waits for its end.
func (s *source) publish(ctx context.Context, t *testing.T, m *media.Server, age time.Duration, players int) (wait func()) {
	t.Helper()
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: testKey(), Schema: "rtmp"})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(s.tracks...))
	write := func(p *media.Packet, at time.Duration) {
		moved := *p
		moved.PTS, moved.DTS = p.PTS-p.DTS+at, at
		_ = pub.WritePacket(&moved)
	}
	for at := time.Duration(0); at < age; at += 2 * time.Second { // the first of each track, over and over
		for _, track := range s.tracks {
			for _, p := range s.packets {
				if p.Track.ID == track.ID {
					write(p, at)
					break
				}
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer pub.Close(nil)
		for len(pub.Stream().Players()) < players {
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				return
			}
		}
		begun := time.Now()
		for _, p := range s.packets {
			at := p.DTS - s.packets[0].DTS
			select {
			case <-time.After(time.Until(begun.Add(at))):
			case <-ctx.Done():
				return
			}
			write(p, age+at)
		}
	}()
	return func() { <-done }
}

// However old a stream is, a recording of it is whole, and its pictures and sound are in step. There are no B-frames:
// ffmpeg guesses when the first pictures are to be decoded, and moves them if the guess is wrong.
func TestRTSPOldStream(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	clip := load(t, flashes(t, 0))
	for _, age := range []time.Duration{0, 7 * time.Hour, 14 * time.Hour, 7 * day, 14 * day, 49 * day} {
		t.Run(age.String(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			s := serve(t, media.Config{}, nil)
			record := func(transport string) reader {
				return program("ffmpeg "+transport, "out.mp4", func(s *server, path string) []string {
					return []string{
						"ffmpeg", "-v", "error", "-y", "-rtsp_transport", transport, "-buffer_size", "4000000",
						"-i", s.rtspURL(), "-c", "copy", path,
					}
				})
			}
			readers := []reader{record("tcp"), record("udp"), rtspCopier("decoded", "tcp")}
			wait := clip.publish(ctx, t, s.media, age, len(readers))
			s.await(ctx, t)
			results := readAll(ctx, t, s, readers)
			wait()
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) {
					require.NoError(t, r.err)
					checkSync(ctx, t, r.path, 0)
					checkLength(ctx, t, r.path)
				})
			}
		})
	}
}

// checkLength requires each track of a recording of a whole clip to begin at its start and to last as long as it.
func checkLength(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	list, err := packets(ctx, path)
	require.NoError(t, err)
	first, last := map[string]float64{}, map[string]float64{}
	for _, p := range list {
		if at, ok := first[p.kind]; !ok || p.pts < at {
			first[p.kind] = p.pts
		}
		last[p.kind] = max(last[p.kind], p.pts)
	}
	for _, kind := range []string{"video", "audio"} {
		require.InDelta(t, 0, first[kind], 0.5, fmt.Sprint(kind, " begins late in ", filepath.Base(path)))
		require.InDelta(t, clipSeconds, last[kind]-first[kind], 3, "%s lasts", kind)
	}
}
