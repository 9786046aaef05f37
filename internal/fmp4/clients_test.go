package fmp4

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// ffmpeg decodes pictures and sound of the other codecs as from the files that it has made.
func TestFFmpegDecodesOtherCodecs(t *testing.T) {
	for _, c := range []struct {
		codec   media.Codec
		options string
	}{
		{media.AV1, ""},
		{media.VP8, ""},
		{media.VP9, ""},
		{media.MP3, ""},
		{media.MP3, "-ar 22050"}, // of MPEG-2
		{media.Opus, ""},
		{media.Opus, "-ac 2"},
		{media.G711A, ""},
		{media.G711U, ""},
	} {
		t.Run(c.codec.String()+c.options, func(t *testing.T) {
			t.Parallel()
			clip := reel.Encode(t, c.codec, strings.Fields(c.options)...)
			init, s := mux(t, []*media.Track{clip.Track}, clip.Packets)
			what := reel.Sound
			if c.codec.Video() {
				what = reel.Pictures
			}
			want := reel.Hashes(t, clip.Name, what, clip.Data)
			got := reel.Hashes(t, "a.mp4", what, s.file(init))
			if c.codec == media.Opus {
				// What is to be skipped at the beginning is said in both. How much of the last frame is to be heard is
				// in the file alone: a stream does not know which is its last.
				const frame = 960 / 160
				require.Less(t, len(got)-len(want), frame)
				got = got[:min(len(got), len(want))]
			}
			require.Equal(t, want, got)
		})
	}
}
