package depacketizer

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// The configuration of AV1 is made of the stream, as SDP has none: the one that ffmpeg makes of it.
func TestConfigOfAV1(t *testing.T) {
	for _, pixels := range []string{"yuv420p", "yuv420p10le", "yuv444p", "gray"} {
		t.Run(pixels, func(t *testing.T) {
			c := reel.Encode(t, media.AV1, "-pix_fmt", pixels)
			want := configOfFFmpeg(t, c)
			d := newTest(t, media.AV1, nil, nil)
			e := &rtpav1.Encoder{PayloadType: 96}
			require.NoError(t, e.Init())
			for i, p := range c.Packets {
				var obus av1.Bitstream
				require.NoError(t, obus.Unmarshal(p.Data))
				list, err := e.Encode(obus)
				require.NoError(t, err)
				for _, q := range list {
					q.Timestamp = uint32(i) * 3600
				}
				units := pushAll(t, d, list)
				require.Len(t, units, 1)
				require.Equal(t, want, units[0].Track.Config)
				require.Equal(t, [2]int{160, 120}, [2]int{units[0].Track.Width, units[0].Track.Height})
			}
		})
	}
}

// configOfFFmpeg returns the av1C of a clip that ffmpeg has put into MP4.
func configOfFFmpeg(t *testing.T, c *reel.Clip) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), c.Name), filepath.Join(t.TempDir(), "x.mp4")
	require.NoError(t, os.WriteFile(in, c.Data, 0o600))
	said, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", in, "-c", "copy", out).CombinedOutput()
	require.NoError(t, err, "%s", said)
	file, err := os.ReadFile(out)
	require.NoError(t, err)
	at := bytes.Index(file, []byte("av1C"))
	require.Positive(t, at)
	return file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))]
}
