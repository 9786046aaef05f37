package ingest

import (
	"encoding/base64"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// What comes before Begin, as to a port that is open already, is kept. It does not decide which tracks there are.
func TestPacketsBeforeBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
		require.NoError(t, err)
		desc, err := sdp.Parse([]byte("v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 0 RTP/AVP 8\r\n"))
		require.NoError(t, err)
		in := New(pub, desc, Options{Log: m.Logger()})
		defer in.Close()
		r := pub.Stream().Read()
		defer r.Close()

		cam := newCamera(t, in, false)
		cam.send(1, 0)
		require.Empty(t, pub.Stream().Description().Tracks)
		require.NoError(t, in.Begin())
		cam.sets()
		cam.send(0, 0)
		cam.send(1, 1)
		tracks, err := pub.Stream().Tracks(t.Context())
		require.NoError(t, err)
		require.Len(t, tracks, 2)
		in.Close()
		got := make([]*media.Packet, 8)
		n, err := r.ReadBatch(t.Context(), got)
		require.NoError(t, err)
		require.Equal(t, 3, n, "one picture, and the sound of before and after")
	})
}

// sets sends the parameter sets of the pictures.
func (c *camera) sets() {
	var data []byte
	for _, text := range []string{"Z2QADazZQUH7ARAAAAMAEAAAAwMg8UKZYA==", "aOvjyyLA"} {
		nal, err := base64.StdEncoding.DecodeString(text)
		require.NoError(c.t, err)
		data = append(append(data, 0, 0, 0, byte(len(nal))), nal...)
	}
	b, err := c.packers[0].Append(nil, &media.Packet{Track: c.tracks[0], Data: data})
	require.NoError(c.t, err)
	c.frames(b, c.in.Packet, 0)
}
