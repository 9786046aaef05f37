package mux

import (
	"io"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/depacketizer"
	"github.com/sluice-media/sluice/media"
)

// Audio that waits for a picture goes out without one when the stream ends.
func TestHeldAudioAtTheEnd(t *testing.T) {
	video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
	audio := &media.Track{ID: 2, Codec: media.AAC, ClockRate: 44100, SampleRate: 44100, Channels: 2, Config: []byte{0x12, 0x10}}
	l := NoTracks()
	l.Channels[0], l.Channels[1], l.Datagrams = 0, 2, true
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
	require.NoError(t, err)
	tracks := []*media.Track{video, audio}
	require.NoError(t, pub.SetTracks(tracks...))
	r := pub.Stream().ReadFormat(NewFormats(Config{}).Use(l, tracks).Format)
	defer r.Close()
	require.NoError(t, pub.WritePacket(&media.Packet{Track: video, Key: true, Data: make([]byte, 100)}))
	const frames = 4
	for i := range frames {
		at := time.Duration(i) * time.Millisecond
		require.NoError(t, pub.WritePacket(&media.Packet{Track: audio, DTS: at, PTS: at, Data: []byte{byte(i), 1, 2}}))
	}
	pub.Close(nil)
	d, err := depacketizer.New(depacketizer.Source{Track: audio, PayloadType: 97})
	require.NoError(t, err)
	var got []byte
	chunks := make([]media.Chunk, 16)
	for {
		n, err := r.ReadBatch(t.Context(), chunks)
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		for _, c := range chunks[:n] {
			for rest := c.Data; len(rest) > 0; {
				var channel byte
				var unit int
				var run []byte
				channel, unit, run, rest = datagram.TakeRun(rest)
				for ; channel == 2 && len(run) > 0; run = run[min(unit, len(run)):] {
					var p rtp.Packet
					require.NoError(t, p.Unmarshal(run[:min(unit, len(run))]))
					units, err := d.Push(&p, false)
					require.NoError(t, err)
					for _, u := range units {
						got = append(got, u.Data[0])
					}
				}
			}
		}
	}
	require.Equal(t, []byte{0, 1, 2, 3}, got)
}
