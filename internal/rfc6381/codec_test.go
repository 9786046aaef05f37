package rfc6381_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rfc6381"
	"github.com/sluice-media/sluice/media"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		codec  media.Codec
		config string
		want   string
	}{
		{media.H264, "0164001fffe10000", "avc1.64001f"},
		{media.H264, "0142c01e", "avc1.42c01e"},
		{media.H264, "", "avc1"},
		{media.H265, "010160000000900000000000" + "5d" + "f000fc", "hvc1.1.6.L93.90"},
		{media.H265, "012220000000b00000000000" + "99", "hvc1.2.4.H153.B0"},
		{media.H265, "01", "hvc1"},
		{media.AV1, "81084c00", "av01.0.08M.10"},
		{media.AV1, "81050c00", "av01.0.05M.08"},
		{media.VP9, "0100000002" + "1fa2", "vp09.02.31.10"},
		{media.VP9, "", "vp09.00.10.08"},
		{media.VP8, "", "vp08.00.10.08"},
		{media.AAC, "1210", "mp4a.40.2"},
		{media.AAC, "2b92", "mp4a.40.5"},
		{media.AAC, "f941", "mp4a.40.42"},
		{media.AAC, "", "mp4a.40.2"},
		{media.MP3, "", "mp4a.6B"},
		{media.Opus, "", "opus"},
		{media.G711A, "", "alaw"},
		{media.G711U, "", "ulaw"},
	} {
		config, err := hex.DecodeString(c.config)
		require.NoError(t, err)
		require.Equal(t, c.want, rfc6381.Name(&media.Track{Codec: c.codec, Config: config}), "%v %s", c.codec, c.config)
	}
	require.Equal(t, "avc1.42c01e,mp4a.40.2", rfc6381.Names([]*media.Track{
		{Codec: media.H264, Config: []byte{1, 0x42, 0xc0, 0x1e}}, {Codec: media.AAC}, {Codec: media.AAC, ID: 2},
	}))
}
