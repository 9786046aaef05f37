package interop

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// ffmpeg plays a recording from the key frame before the time that it asks for, picture by picture, and ends with the file. By HLS
// with fragmented MP4 version 5.1 reads nothing behind a seek, of what it has written itself as little.
func TestPlaybackByFFmpeg(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f := getFilm(ctx, t)
	s := openCinema(t).show(t, f.path, "film.mp4")
	overRTSP := func(transport string) []string { return []string{"-rtsp_transport", transport, "-i", s.rtspURL()} }
	const some = 3 * pictureRate
	for name, c := range map[string]struct {
		at    float64 // where to seek, if not negative
		input []string
		first int
		count int // of the pictures, after which ffmpeg is to leave; 0 is to the end
	}{
		"RTSP from the beginning":       {-1, overRTSP("tcp"), 0, some},
		"RTSP from 0 s":                 {0, overRTSP("tcp"), 0, some},
		"RTSP from a key frame":         {20.14, overRTSP("tcp"), 500, some}, // with B-frames ffmpeg asks for 0.13 s earlier
		"RTSP from in front of one":     {21.99, overRTSP("tcp"), 500, some},
		"RTSP from behind one":          {41.1, overRTSP("tcp"), 1000, some},
		"RTSP to the end":               {55.5, overRTSP("tcp"), 1350, 0},
		"RTSP from beyond the end":      {100, overRTSP("tcp"), 1450, 0}, // it would wait for ever if it was refused
		"RTSP by UDP from 30.5 s":       {30.5, overRTSP("udp"), 750, some},
		"RTMP from the beginning":       {-1, []string{"-i", s.rtmpURL()}, 0, some},
		"RTMP from 20.5 s":              {20.5, []string{"-i", s.rtmpURL()}, 500, some},
		"RTMP to the end":               {55.5, []string{"-i", s.rtmpURL()}, 1350, 0},
		"HLS from the beginning to end": {-1, []string{"-i", s.playlistURL()}, 0, 0},
		"HTTP-FLV":                      {-1, []string{"-i", s.httpURL()}, 0, some},
		"HTTP-TS":                       {-1, []string{"-i", s.tsURL()}, 0, some},
		"HTTP-fMP4":                     {-1, []string{"-i", s.fmp4URL()}, 0, some},
	} {
		t.Run(name, func(t *testing.T) {
			var seek, leave []string
			if c.at >= 0 {
				seek = []string{"-ss", strconv.FormatFloat(c.at, 'f', -1, 64), "-noaccurate_seek"}
			}
			want := f.pictures[c.first:]
			if c.count > 0 {
				leave, want = []string{"-frames:v", strconv.Itoa(c.count)}, want[:c.count]
			}
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			got, err := decoded(ctx, append(seek, c.input...), leave...)
			require.NoError(t, err)
			first, err := findRun(f.pictures, got)
			require.NoError(t, err)
			require.Equal(t, c.first, first)
			require.Equal(t, len(want), len(got))
		})
	}
}
