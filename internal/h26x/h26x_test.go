package h26x

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

var (
	avcSPS = []byte{0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08}
	avcPPS = []byte{0x68, 0xee, 0x3c, 0x80}

	hevcVPS = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0x99, 0x98, 0x09}
	hevcSPS = []byte{
		0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80,
		0x10, 0xe5, 0x96, 0x66, 0x69, 0x24, 0xca, 0xe0, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0x80,
	}
	hevcPPS = []byte{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40}
)

func TestConfigRoundTrip(t *testing.T) {
	for codec, sets := range map[media.Codec]Sets{
		media.H264: {SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS, avcPPS[:3]}},
		media.H265: {VPS: [][]byte{hevcVPS}, SPS: [][]byte{hevcSPS}, PPS: [][]byte{hevcPPS}},
	} {
		config := sets.Config(codec)
		require.NotNil(t, config)
		back, size, err := Parse(codec, config)
		require.NoError(t, err)
		require.Equal(t, 4, size)
		require.True(t, sets.Equal(back))
		track := &media.Track{Codec: codec}
		Describe(track, back)
		require.Positive(t, track.Width)
		require.Positive(t, track.Height)
		for n := range config {
			_, _, _ = Parse(codec, config[:n]) // must not panic
		}
	}
}

// What an independent encoder wrote and what we make of its parameter sets say the same.
func TestConfigOfFFmpeg(t *testing.T) {
	for _, c := range []struct {
		name  string
		flv   []byte
		codec media.Codec
		at    int // of the record in the file's first video tag with id 7 or 12
	}{{"H.264", testmedia.H264(), media.H264, 0}} {
		t.Run(c.name, func(t *testing.T) {
			config := firstConfig(t, c.flv)
			sets, _, err := Parse(c.codec, config)
			require.NoError(t, err)
			again := sets.Config(c.codec)
			require.Equal(t, again, config[:len(again)])
		})
	}
}

func firstConfig(t *testing.T, b []byte) []byte {
	t.Helper()
	for b = b[13:]; len(b) > 16; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if b[0] == 9 && b[12] == 0 {
			return b[16 : 11+size]
		}
		b = b[11+size+4:]
	}
	t.Fatal("no sequence header")
	return nil
}

func TestIncompleteSets(t *testing.T) {
	require.Nil(t, Sets{}.Config(media.H264))
	require.Nil(t, Sets{SPS: [][]byte{avcSPS}}.Config(media.H264))
	require.Nil(t, Sets{SPS: [][]byte{{0x67}}, PPS: [][]byte{avcPPS}}.Config(media.H264))
	require.Nil(t, Sets{SPS: [][]byte{hevcSPS}, PPS: [][]byte{hevcPPS}}.Config(media.H265))
	require.Nil(t, Sets{VPS: [][]byte{hevcVPS}, SPS: [][]byte{{0x42, 1}}, PPS: [][]byte{hevcPPS}}.Config(media.H265))
}

func TestReorderDepth(t *testing.T) {
	depth, known := ReorderDepth(media.H265, hevcSPS)
	require.True(t, known)
	require.Positive(t, depth)
	_, known = ReorderDepth(media.H264, []byte{0x67})
	require.False(t, known)
}

func TestUnits(t *testing.T) {
	var got [][]byte
	for u := range Units([]byte{0, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 9, 1}) {
		got = append(got, u)
	}
	require.Equal(t, [][]byte{{9}, {7, 8}}, got)
	require.True(t, StartsPicture(media.H264, 0x65))
	require.False(t, StartsPicture(media.H264, 0x41))
	require.True(t, StartsPicture(media.H265, 0x26))
}

func FuzzParse(f *testing.F) {
	f.Add(false, Sets{SPS: [][]byte{avcSPS}, PPS: [][]byte{avcPPS}}.Config(media.H264))
	f.Add(true, Sets{VPS: [][]byte{hevcVPS}, SPS: [][]byte{hevcSPS}, PPS: [][]byte{hevcPPS}}.Config(media.H265))
	f.Fuzz(func(t *testing.T, hevc bool, b []byte) {
		codec := media.H264
		if hevc {
			codec = media.H265
		}
		sets, _, err := Parse(codec, b)
		if err != nil {
			return
		}
		Describe(&media.Track{Codec: codec}, sets)
		for _, sps := range sets.SPS {
			ReorderDepth(codec, sps)
		}
		if config := sets.Config(codec); config != nil {
			back, _, err := Parse(codec, config)
			require.NoError(t, err)
			require.True(t, sets.Equal(back))
		}
	})
}
