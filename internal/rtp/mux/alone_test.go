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

// The first audio frame that a player gets shares no datagram, wherever it begins; the others do.
func TestFirstFrameGoesAlone(t *testing.T) {
	for name, lag := range map[string]time.Duration{"sound before its picture": 0, "sound behind its picture": 30 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			l := NoTracks()
			l.Channels[0], l.Channels[1], l.Datagrams = 0, 2, true
			video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
			audio := &media.Track{ID: 2, Codec: media.AAC, ClockRate: 48000, SampleRate: 48000, Channels: 2, Config: []byte{0x11, 0x90}}
			tracks := []*media.Track{video, audio}
			m := NewFormats(Config{}).Use(l, tracks).Format.New()
			_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks, Epoch: time.Now()})
			require.NoError(t, err)
			d, err := depacketizer.New(depacketizer.Source{Track: audio, PayloadType: 97})
			require.NoError(t, err)
			reported, starts, shared, next := false, 0, 0, 0
			for i := range 500 {
				at := time.Duration(i) * 40 * time.Millisecond
				var chunk []byte
				for ; time.Duration(next)*1024*time.Second/48000 <= at-lag; next++ {
					stamp := time.Duration(next) * 1024 * time.Second / 48000
					chunk, err = m.AppendPacket(chunk, &media.Packet{Track: audio, DTS: stamp, PTS: stamp, Data: []byte{1, 2, 3}})
					require.NoError(t, err)
				}
				chunk, err = m.AppendPacket(chunk, &media.Packet{Track: video, Key: i%25 == 0, DTS: at, PTS: at, Data: make([]byte, 100)})
				require.NoError(t, err)
				for len(chunk) > 0 {
					channel, unit, run, rest := datagram.TakeRun(chunk)
					chunk = rest
					if channel == 3 {
						reported = true
						starts++
					}
					for channel == 2 && len(run) > 0 {
						var p rtp.Packet
						n := min(unit, len(run))
						require.NoError(t, p.Unmarshal(run[:n]))
						run = run[n:]
						units, err := d.Push(&p, false)
						require.NoError(t, err)
						require.False(t, reported && len(units) > 1, "%d frames in the first packet behind a report", len(units))
						if reported = false; len(units) > 1 {
							shared++
						}
					}
				}
			}
			require.Equal(t, 20, starts)
			require.Greater(t, shared, 100)
		})
	}
}
