package reel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Clip is what ffmpeg has made of a second of its synthetic sources.
type Clip struct {
	// Name and Data are of the file.
	Name string
	Data []byte
	// Track and Packets are what is in it.
	Track   *media.Track
	Packets []*media.Packet
}

// recipe is how ffmpeg encodes a codec, and how packets come out of the file.
type recipe struct {
	name    string
	encoder string
	options string
	read    func(t testing.TB, c *Clip)
}

// recipeOf returns the recipe of a codec. The files are of forms that are easily read.
func recipeOf(codec media.Codec) recipe {
	const vpx = "-deadline realtime -cpu-used 8"
	switch codec {
	case media.AV1:
		return recipe{"a.ivf", "libaom-av1", "-usage realtime -cpu-used 8", readIVF}
	case media.VP8:
		return recipe{"a.ivf", "libvpx", vpx, readIVF}
	case media.VP9:
		return recipe{"a.ivf", "libvpx-vp9", vpx, readIVF}
	case media.Opus:
		return recipe{"a.ogg", "libopus", "", readOgg}
	case media.MP3:
		return recipe{"a.mp3", "libmp3lame", "-write_xing 0 -id3v2_version 0", readMP3}
	case media.G711A:
		return recipe{"a.al", "pcm_alaw", "-ar 8000", readG711}
	case media.G711U:
		return recipe{"a.ul", "pcm_mulaw", "-ar 8000", readG711}
	}
	return recipe{}
}

// Size and rate of pictures, and how far key frames are apart.
const (
	width, height = 160, 120
	fps           = 25
	gop           = 10
)

// Encode has ffmpeg encode a second in a codec: AV1, VP8, VP9, Opus, MP3 or G.711. options are more ones of the encoder. The
// test is skipped where ffmpeg cannot, but fails there with CI=true.
func Encode(t testing.TB, codec media.Codec, options ...string) *Clip {
	t.Helper()
	r := recipeOf(codec)
	require.NotEmpty(t, r.name, codec)
	path := filepath.Join(t.TempDir(), r.name)
	args := []string{"-f", "lavfi", "-i", "sine=sample_rate=48000", "-c:a", r.encoder}
	if codec.Video() {
		args = []string{
			"-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-c:v", r.encoder, "-pix_fmt", "yuv420p", "-g", "10",
			"-keyint_min", "10", "-b:v", "100k",
		}
	}
	args = append(append(args, "-t", "1"), strings.Fields(r.options)...)
	run(t, "ffmpeg", append(append(args, options...), path)...)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	c := &Clip{Name: r.name, Data: data, Track: &media.Track{ID: 1, Codec: codec}}
	r.read(t, c)
	require.NotEmpty(t, c.Packets)
	return c
}

// add adds a packet.
func (c *Clip) add(at time.Duration, key bool, data []byte) {
	c.Packets = append(c.Packets, &media.Packet{Track: c.Track, DTS: at, PTS: at, Key: key, Data: data})
}
