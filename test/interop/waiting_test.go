package interop

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// Viewers that come before the publisher wait for it, and get the stream from its first picture.
func TestViewersWaitForThePublisher(t *testing.T) {
	t.Parallel()
	source, readers := getClip(t, "h264", 3), h264Readers()
	readers = slices.DeleteFunc(readers, func(r reader) bool { return r.client != "" && !installed(r.client) })
	waiting := make(chan struct{}, 100)
	s := serve(t, media.Config{PlayWait: patience, Hooks: []hook.Hook{hook.Funcs{
		OnStreamNotFound: func(context.Context, *hook.PlayEvent) (bool, error) {
			waiting <- struct{}{}
			return false, nil
		},
	}}}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	read := make(chan []*result, 1)
	go func() { read <- readAll(ctx, t, s, readers) }()
	for range readers {
		select {
		case <-waiting:
		case <-ctx.Done():
			t.Fatal("some viewers do not come")
		}
	}
	background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
	for _, r := range <-read {
		t.Run(r.name, func(t *testing.T) {
			from := r.check(ctx, t, source)
			require.True(t, from == 0 || r.spoils > 0, "the first pictures are missing")
		})
	}
}

// A publisher that is killed and started again goes on in the same stream: its viewers stay where they are, and
// their times go on.
func TestPublisherComesBack(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 3)
	var plays atomic.Int32
	s := serve(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(context.Context, *hook.PlayEvent) error {
			plays.Add(1)
			return nil
		},
	}}}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	readers := append(dumpers(), copier("ffmpeg RTMP", "out.flv", (*server).rtmpURL, "ffmpeg"))
	readers = slices.DeleteFunc(readers, func(r reader) bool { return r.client != "" && !installed(r.client) })
	read := make(chan []*result, 1)
	go func() { read <- readAll(ctx, t, s, readers) }()
	first := background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
	st := s.await(ctx, t)
	awaitFrames(ctx, t, st, 150)
	first.kill()
	second := background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
	results := <-read
	require.NoError(t, second.wait())
	require.EqualValues(t, len(readers), plays.Load(), "viewers came again")
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) { r.checkTwice(ctx, t, source) })
	}
}

// awaitFrames waits until each track of a stream has had so many packets.
func awaitFrames(ctx context.Context, t *testing.T, st *media.Stream, n uint64) {
	t.Helper()
	for {
		enough := true
		for _, track := range st.Stats().Tracks {
			enough = enough && track.Frames >= n
		}
		if enough {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("the publisher is too slow")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// checkTwice checks what was read of a clip that was broken off and published again from the beginning.
func (r *result) checkTwice(ctx context.Context, t *testing.T, source *clip) {
	t.Helper()
	require.NoError(t, r.err)
	r.checkTimes(ctx, t, source)
	got, err := pictures(ctx, r.path)
	require.NoError(t, err)
	again := len(got) - 1
	for again > 0 && got[again] != source.pictures[0] {
		again--
	}
	// Of the pictures that depend on one another, the last few had not all been sent.
	require.Greater(t, again, 100)
	_, err = findRun(source.pictures, got[:again-4])
	require.NoError(t, err)
	require.Equal(t, source.pictures, got[again:])
	t.Logf("%d pictures, then all %d", again, len(got)-again)
}
