package device

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
)

// ffmpeg decodes the same pictures from what a device sends as from the clip it was made of.
func TestProgramStream(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make   func() (*Clip, error)
		file   string
		source []byte
		sound  bool
	}{
		"H264": {H264, "a.flv", testmedia.H264(), false},
		"H265": {H265, "a.h265", testmedia.H265(), true},
	} {
		clip, err := c.make()
		require.NoError(t, err, name)
		var stream []byte
		for i := range clip.packs {
			if c.sound || clip.packs[i].id == videoID { // ffmpeg does not know G.711 in it
				stream = append(stream, clip.packs[i].bytes(time.Hour)...)
			}
		}
		require.Equal(t, reel.Hashes(t, c.file, reel.Pictures, c.source),
			reel.Hashes(t, "a.mpg", reel.Pictures, stream, "-f", "mpeg"), name)
		if c.sound {
			require.NotEmpty(t, reel.Hashes(t, "a.mpg", reel.Sound, stream, "-f", "mpeg"), name)
		}
	}
}

func TestALaw(t *testing.T) {
	for sample, want := range map[int16]byte{0: 0xd5, -1: 0x55, 32767: 0xaa, -32768: 0x2a, 1000: 0xfa, -1000: 0x7a} {
		require.Equal(t, want, alaw(sample), "%d", sample)
	}
}
