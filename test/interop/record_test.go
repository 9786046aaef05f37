package interop

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

// What is recorded is what was published, in a file of which nobody has anything to complain; and every reader reads that of it by every
// protocol, also from the middle on.
func TestRecording(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		codec   string
		bframes int
		publish func(file, url string) []string
		url     func(*server) string
	}{
		{"RTMP with B-frames", "h264", 3, ffmpegPublish, (*server).rtmpURL},
		{"RTSP H.265", "h265", 0, rtspPublish("tcp"), (*server).rtspURL},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			source := plain(getClip(t, c.codec, c.bframes))
			s := serve(t, media.Config{}, nil)
			rec, err := record.New(s.media, record.Config{Dir: t.TempDir()})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, rec.Close()) })
			file := source.file
			if c.codec == "h265" {
				file = remux(ctx, t, file)
			}
			p := background(ctx, t, c.publish(file, c.url(s))...)
			s.awaitFrom(ctx, t, p)
			require.NoError(t, rec.Start(ctx, record.Request{Stream: testKey(), Kind: record.MP4}))
			require.NoError(t, p.wait())
			list := awaitRecording(ctx, t, rec)
			path := filepath.Join(list.Dir, list.Names[0])
			complaints, err := run(ctx, "ffprobe", "-v", "warning", path)
			require.NoError(t, err)
			require.Empty(t, complaints)
			whole := &result{path: path}
			from := whole.check(ctx, t, source)

			s.path = "/record/live/test/" + filepath.Base(list.Dir) + "/" + list.Names[0]
			readers := crossReaders(c.codec)
			middle := copier("ffmpeg from 6 s on", "middle.mp4", (*server).rtspURL, "ffmpeg", "-ss", "6", "-rtsp_transport", "tcp")
			results := readAll(ctx, t, s, append(readers, middle))
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) {
					if r.name != middle.name {
						r.checkMost(ctx, t, source)
						return
					}
					got, err := pictures(ctx, r.path)
					require.NoError(t, err)
					first, err := findRun(source.pictures, got)
					require.NoError(t, err)
					require.Equal(t, len(source.pictures), first+len(got))
					// A key frame comes every 2 s. With B-frames a picture is shown later than it is decoded.
					require.Contains(t, []int{from + 4*pictureRate, from + 6*pictureRate}, first)
				})
			}
		})
	}
}

// awaitRecording waits until the recording of the stream is an ordinary file.
func awaitRecording(ctx context.Context, t *testing.T, rec *record.Recorder) record.Listing {
	t.Helper()
	for {
		list, err := rec.Library().List(ctx, record.Query{Stream: testKey(), Period: time.Now().Format(time.DateOnly)})
		require.NoError(t, err)
		if len(list.Names) > 0 {
			require.Len(t, list.Names, 1)
			hidden, err := filepath.Glob(filepath.Join(list.Dir, ".*"))
			require.NoError(t, err)
			if len(hidden) == 0 {
				return list
			}
		}
		select {
		case <-ctx.Done():
			require.NoError(t, ctx.Err(), "no recording")
		case <-time.After(50 * time.Millisecond):
		}
	}
}
