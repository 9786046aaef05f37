package mux

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/depacketizer"
	"github.com/sluice-media/sluice/media"
)

// Over UDP, audio frames share datagrams and go out with a picture; none is lost, late or out of order.
func TestAudioSharesDatagrams(t *testing.T) {
	l := NoTracks()
	l.Channels[0], l.Channels[1], l.Datagrams = 0, 2, true
	video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
	audio := &media.Track{ID: 2, Codec: media.AAC, ClockRate: 44100, SampleRate: 44100, Channels: 2, Config: []byte{0x12, 0x10}}
	m := NewFormats(Config{}).Use(l, []*media.Track{video, audio}).Format.New()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{video, audio}, Epoch: time.Now()})
	require.NoError(t, err)
	d, err := depacketizer.New(depacketizer.Source{Track: audio, PayloadType: 97})
	require.NoError(t, err)
	sent, got, packets := 0, 0, 0
	var first uint32
	for i := range 500 { // of 10 ms
		at := time.Duration(i) * 10 * time.Millisecond
		var chunk []byte
		for time.Duration(sent)*1024*time.Second/44100 <= at {
			stamp := (time.Duration(sent) * 1024 * time.Second / 44100).Truncate(time.Millisecond) // as RTMP has it
			chunk, err = m.AppendPacket(chunk, &media.Packet{Track: audio, DTS: stamp, PTS: stamp, Data: []byte{byte(sent), byte(sent >> 8), 3}})
			require.NoError(t, err)
			sent++
		}
		if i%4 == 0 {
			chunk, err = m.AppendPacket(chunk, &media.Packet{Track: video, DTS: at, PTS: at, Data: make([]byte, 5000)})
			require.NoError(t, err)
		}
		for len(chunk) > 0 {
			channel, unit, run, rest := datagram.TakeRun(chunk)
			chunk = rest
			for channel == 2 && len(run) > 0 {
				var p rtp.Packet
				n := min(unit, len(run))
				require.NoError(t, p.Unmarshal(run[:n]))
				run = run[n:]
				units, err := d.Push(&p, false)
				require.NoError(t, err)
				packets++
				for _, u := range units {
					if got == 0 {
						first = u.Stamp
					}
					require.Equal(t, []byte{byte(got), byte(got >> 8), 3}, u.Data)
					require.InDelta(t, got*1024, int(u.Stamp-first), 44.1*2)
					got++
				}
			}
		}
		require.LessOrEqual(t, sent-got, 3)
	}
	require.Less(t, packets, sent*2/3)
}
