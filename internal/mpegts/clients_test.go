package mpegts

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// ffmpeg decodes sound of the other codecs as from the files that it has made.
func TestFFmpegDecodesOtherSound(t *testing.T) {
	for _, c := range []struct {
		codec   media.Codec
		options string
	}{
		{media.MP3, ""},
		{media.MP3, "-ar 22050"}, // of MPEG-2
		{media.Opus, ""},
		{media.Opus, "-ac 2"},
	} {
		t.Run(c.codec.String()+c.options, func(t *testing.T) {
			t.Parallel()
			clip := reel.Encode(t, c.codec, strings.Fields(c.options)...)
			ts := mux(t, []*media.Track{clip.Track}, clip.Packets)
			// A transport stream does not say what is to be skipped at the beginning and the end of Opus.
			want := reel.Hashes(t, clip.Name, reel.Sound, clip.Data, "-flags2", "+skip_manual")
			require.Equal(t, want, reel.Hashes(t, "a.ts", reel.Sound, ts, "-flags2", "+skip_manual"))
		})
	}
}

// ffmpeg does not know the numbers of G.711, but finds the packets as they were.
func TestFFmpegFindsG711(t *testing.T) {
	for _, codec := range []media.Codec{media.G711A, media.G711U} {
		t.Run(codec.String(), func(t *testing.T) {
			t.Parallel()
			clip := reel.Encode(t, codec)
			var want []string
			for _, p := range clip.Packets {
				want = append(want, fmt.Sprintf("%x", md5.Sum(p.Data)))
			}
			require.Equal(t, want, reel.PacketHashes(t, "a.ts", mux(t, []*media.Track{clip.Track}, clip.Packets)))
		})
	}
}
