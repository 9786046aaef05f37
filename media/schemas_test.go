package media_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
)

// changes notes in which schemas streams came and went.
type changes struct {
	mu   sync.Mutex
	list []string
}

func (c *changes) OnStreamChanged(_ context.Context, ev *hook.StreamChangedEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sign := "-"
	if ev.Registered {
		sign = "+"
	}
	c.list = append(c.list, sign+ev.Schema)
}

func (c *changes) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// A stream exists only in schemas that can carry something of it.
func TestSchemaThatCarriesNothing(t *testing.T) {
	var log testlog.Buffer
	var seen changes
	s := newServer(t, media.Config{
		Hooks: []hook.Hook{&seen}, Logger: slog.New(slog.NewTextHandler(&log, nil)), PlayWait: time.Hour,
	})
	pictures := &media.Format{Name: "pictures", Schema: "pictures", Carries: func(t *media.Track) bool { return t.Codec.Video() }, New: wire.New}
	require.NoError(t, s.RegisterFormats(&idleService{}, pictures))
	require.NoError(t, s.Register(&idleService{}, "all"))

	waiting := make(chan error, 1) // who waits for the stream learns it when it comes
	go func() {
		_, err := s.Play(context.Background(), media.PlayRequest{Stream: key, Schema: "pictures"})
		waiting <- err
	}()
	pub := publish(t, s, audio)
	require.ErrorIs(t, <-waiting, media.ErrStreamNotFound)
	require.Equal(t, []string{"all"}, pub.Stream().Schemas())
	_, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "pictures"})
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	p, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "all"})
	require.NoError(t, err)
	p.Close(nil)

	require.NoError(t, pub.SetTracks(audio, video))
	require.Equal(t, []string{"pictures", "all"}, pub.Stream().Schemas())
	p, err = s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "pictures"})
	require.NoError(t, err)
	p.Close(nil)
	require.NoError(t, pub.SetTracks(audio, video))
	require.NoError(t, pub.SetTracks(audio))
	require.Equal(t, []string{"all"}, pub.Stream().Schemas())
	pub.Close(nil)
	want := []string{"+all", "+pictures", "-pictures", "-all"}
	require.Eventually(t, func() bool { return slices.Equal(want, seen.seen()) }, 10*time.Second, time.Millisecond, seen.seen())
	require.Equal(t, 1, strings.Count(log.String(), "left out"), log.String())
	require.Contains(t, log.String(), "codecs=AAC")
}

// A format of which the lead track is left out begins with what follows the start.
func TestStartInATrackThatIsLeftOut(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video, audio)
	sound := &media.Format{Name: "sound", Carries: func(t *media.Track) bool { return !t.Codec.Video() }, New: wire.New}
	r := pub.Stream().ReadFormat(sound)
	defer r.Close()
	for i := range 3 {
		at := time.Duration(i) * 40 * ms
		require.NoError(t, pub.WritePacket(frame(video, at, i == 1)))
		require.NoError(t, pub.WritePacket(frame(audio, at, false)))
	}
	list := make([]media.Chunk, 8)
	n, err := r.ReadBatch(t.Context(), list)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.True(t, list[0].Key)
	require.Equal(t, 40*ms, list[0].DTS)
	require.False(t, list[1].Key)
}

// A format in which two tracks of a kind would be one has the first of each that it carries, and the log says so.
func TestOnePerKind(t *testing.T) {
	var log testlog.Buffer
	s := newServer(t, media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	format := &media.Format{
		Name: "plain", Schema: "plain", OnePerKind: true, New: wire.New,
		Carries: func(t *media.Track) bool { return t.Codec != media.G711A },
	}
	require.NoError(t, s.RegisterFormats(&idleService{}, format))
	tracks := []*media.Track{
		{ID: 3, Codec: media.G711A, SampleRate: 8000, Channels: 1},
		video,
		{ID: 4, Codec: media.H264, Config: []byte("v2")},
		audio,
		{ID: 5, Codec: media.AAC, Config: []byte("a2"), SampleRate: 44100, Channels: 2},
	}
	pub := publish(t, s, tracks...)
	r := pub.Stream().ReadFormat(format)
	defer r.Close()
	write := func(tracks ...*media.Track) {
		for i, track := range tracks {
			require.NoError(t, pub.WritePacket(frame(track, time.Duration(i)*ms, track.Codec.Video())))
		}
	}
	write(tracks...)
	list := make([]media.Chunk, 8)
	n, err := r.ReadBatch(t.Context(), list)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "H\x02v1a1", string(list[0].Header))
	require.Equal(t, byte(video.ID), list[0].Data[1])
	require.Equal(t, byte(audio.ID), list[1].Data[1])
	require.Contains(t, log.String(), `codecs="PCMA, another H264, another AAC"`)

	require.NoError(t, pub.SetTracks(tracks[2:]...)) // another camera takes the place of the first
	write(tracks[2])
	n, err = r.ReadBatch(t.Context(), list)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "C\x02v2a1", string(list[0].Data))
	require.Equal(t, byte(4), list[1].Data[1])
}

// idleService is a service that does nothing.
type idleService struct{ _ int }

func (*idleService) Shutdown(context.Context) error { return nil }
func (*idleService) Close() error                   { return nil }
