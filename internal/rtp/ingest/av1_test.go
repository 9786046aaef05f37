package ingest

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// SDP describes no AV1. A stream of AV1 alone begins when its first key picture has told what it is, so that its tracks need not
// change at once.
func TestAV1BeginsDescribed(t *testing.T) {
	clip := reel.Encode(t, media.AV1)
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
	require.NoError(t, err)
	desc, err := sdp.Parse([]byte("v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 AV1/90000\r\n"))
	require.NoError(t, err)
	in := New(pub, desc, Options{Log: m.Logger()})
	defer in.Close()
	require.NoError(t, in.Begin())
	require.Empty(t, pub.Stream().Description().Tracks)

	e := &rtpav1.Encoder{PayloadType: 96}
	require.NoError(t, e.Init())
	var first *media.Track
	for i, p := range clip.Packets {
		var obus av1.Bitstream
		require.NoError(t, obus.Unmarshal(p.Data))
		list, err := e.Encode(obus)
		require.NoError(t, err)
		for _, q := range list {
			q.Timestamp = uint32(i) * 3600
			b, err := q.Marshal()
			require.NoError(t, err)
			in.Packet(0, b, time.Now())
		}
		tracks := pub.Stream().Description().Tracks
		require.Len(t, tracks, 1)
		require.NotEmpty(t, tracks[0].Config)
		if i == 0 {
			first = tracks[0]
		}
		require.Same(t, first, tracks[0], "the tracks changed")
	}
}
