package h26x

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func TestSetIDs(t *testing.T) {
	require.Zero(t, setID(media.H264, avcSPS))
	require.Zero(t, setID(media.H264, avcPPS))
	require.Zero(t, setID(media.H265, hevcVPS))
	require.Zero(t, setID(media.H265, hevcSPS))
	require.Zero(t, setID(media.H265, hevcPPS))
	require.Equal(t, 255, setID(media.H264, []byte{0x68, 0x00, 0x80, 0x00}))
	require.Equal(t, 3, setID(media.H265, []byte{0x40, 0x01, 0x3c, 0x01}))
	other := bytes.Clone(hevcSPS) // 1010 0000: id 0, chroma format 1
	other[bytes.Index(other, []byte{0x78, 0xa0})+1] = 0x40
	require.Equal(t, 1, setID(media.H265, other))
	for n := 2; n < len(hevcSPS); n++ {
		setID(media.H265, hevcSPS[:n]) // must not panic
	}
}
