package interop

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	flvclip "github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// ffmpeg plays a source by RTSP and RTMP from its beginning to its end, and by RTSP from the key frame before a time:
// picture by picture what the source holds.
func TestSourceIsPlayedAndSought(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	s := serve(t, media.Config{}, nil)
	c, err := flvclip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	s.media.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return c.Source(), nil }))
	path := filepath.Join(t.TempDir(), "source.flv")
	require.NoError(t, os.WriteFile(path, testmedia.H264(), 0o600))
	want, err := pictures(t.Context(), path)
	require.NoError(t, err)
	for name, args := range map[string][]string{
		"RTMP":                   {"-i", s.rtmpURL()},
		"RTSP by TCP":            {"-rtsp_transport", "tcp", "-i", s.rtspURL()},
		"RTSP by UDP":            {"-rtsp_transport", "udp", "-i", s.rtspURL()},
		"RTSP from 4.5 s":        {"-rtsp_transport", "tcp", "-ss", "4.5", "-noaccurate_seek", "-i", s.rtspURL()},
		"RTSP by UDP from 4.5 s": {"-rtsp_transport", "udp", "-ss", "4.5", "-noaccurate_seek", "-i", s.rtspURL()},
		"HTTP-FLV":               {"-i", s.httpURL()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out := filepath.Join(t.TempDir(), "out.mkv")
			_, err := stdout(ctx, append(append([]string{"ffmpeg", "-v", "error", "-y"}, args...), "-map", "0:v", "-c", "copy", out)...)
			require.NoError(t, err)
			got, err := pictures(ctx, out)
			require.NoError(t, err)
			from, err := findRun(want, got)
			require.NoError(t, err)
			first := 0
			if strings.HasSuffix(name, "from 4.5 s") {
				first = 100 // the key frame at 4 s
			}
			require.Equal(t, first, from)
			require.Equal(t, len(want)-first, len(got), "to the end")
		})
	}
}
