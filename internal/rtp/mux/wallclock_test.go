package mux

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Reports lie on one line: what a muxer gets at once when it begins, a burst and a stall of the source do not bend it. A
// clock that is wrong is followed slowly, and a pause of the source at once.
func TestWallClock(t *testing.T) {
	var c wallClock
	at, now := 49*24*time.Hour, time.Now()
	c.begin(now.Add(-at))
	c.begin(now) // only the first counts
	step := func(apart, passed time.Duration) {
		at, now = at+apart, now.Add(passed)
		c.saw(at, now)
	}
	off := func() time.Duration {
		c.adjust(now)
		return c.at(at).Sub(now)
	}
	at -= 10 * time.Second
	for range 250 { // ten seconds that the muxer is given at once
		step(40*time.Millisecond, 0)
		c.adjust(now)
	}
	require.Zero(t, off())
	for range 50 { // a burst of two seconds
		step(40*time.Millisecond, 0)
	}
	require.Equal(t, 2*time.Second, off())
	step(0, 2*time.Second)
	step(40*time.Millisecond, 3*time.Second)
	for range 74 { // what was held up for three seconds comes
		step(40*time.Millisecond, 0)
	}
	step(40*time.Millisecond, 40*time.Millisecond)
	require.InDelta(t, 0, off(), float64(maxSlew), "after the burst it slews back")
	for range 25 * 600 { // ten minutes of a source whose clock loses 100 µs a second
		step(40*time.Millisecond, 40*time.Millisecond+4*time.Microsecond)
		before := c.at(at)
		require.InDelta(t, 0, off(), float64(2*maxSlew))
		require.LessOrEqual(t, c.at(at).Sub(before), maxSlew)
	}
	line := c.at(0)
	for range 25 * 600 { // and of one whose clock gains as much
		step(40*time.Millisecond, 40*time.Millisecond-4*time.Microsecond)
		c.adjust(now)
	}
	require.Equal(t, line, c.at(0))
	for range 25 * 3600 * 4 { // until it is too much
		step(40*time.Millisecond, 40*time.Millisecond-4*time.Microsecond)
		require.LessOrEqual(t, off(), maxEarly+10*time.Millisecond)
	}
	require.Greater(t, off(), maxEarly-10*time.Millisecond)
	step(40*time.Millisecond, time.Minute)
	for range 300 {
		step(40*time.Millisecond, 40*time.Millisecond)
		c.adjust(now)
	}
	require.InDelta(t, 0, off(), float64(maxSlew))
}

// Sender reports are in front of each start of a stream, in a layout of any of its tracks, and at least every five
// seconds.
func TestReportsAreWhereStartsAre(t *testing.T) {
	video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
	audio := &media.Track{ID: 2, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}
	for name, c := range map[string]struct {
		tracks    []*media.Track
		channels  []int16
		datagrams bool
		gop       int
	}{
		"both":            {[]*media.Track{video, audio}, []int16{0, 2}, false, 50},
		"both by UDP":     {[]*media.Track{video, audio}, []int16{0, 2}, true, 50},
		"sound of both":   {[]*media.Track{video, audio}, []int16{-1, 2}, false, 50},
		"picture of both": {[]*media.Track{video, audio}, []int16{0, -1}, false, 50},
		"sound alone":     {[]*media.Track{audio}, []int16{0}, false, 50},
		"key frames only": {[]*media.Track{video, audio}, []int16{0, 2}, false, 1},
		"long GOP":        {[]*media.Track{video, audio}, []int16{0, 2}, false, 500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, err := media.New(media.Config{})
				require.NoError(t, err)
				defer m.Close()
				l := NoTracks()
				copy(l.Channels[:], c.channels)
				l.Datagrams = c.datagrams
				pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
				require.NoError(t, err)
				require.NoError(t, pub.SetTracks(c.tracks...))
				r := pub.Stream().ReadFormat(NewFormats(Config{}).Use(l, c.tracks).Format)
				defer r.Close()
				starts, last := 0, time.Now()
				for i := range 1000 {
					for _, track := range c.tracks {
						at := time.Duration(i) * 40 * time.Millisecond
						require.NoError(t, pub.WritePacket(&media.Packet{
							Track: track, DTS: at, PTS: at, Key: track == video && i%c.gop == 0, Data: make([]byte, 320),
						}))
					}
					time.Sleep(40 * time.Millisecond)
					chunks := make([]media.Chunk, 16)
					n, err := r.ReadBatch(t.Context(), chunks)
					require.NoError(t, err)
					for _, chunk := range chunks[:n] {
						reports := 0
						for channel, packet := range l.packets(chunk.Data) {
							if _, isRTCP := l.trackOf(channel); !isRTCP {
								continue
							}
							reports++
							list, err := rtcp.Unmarshal(packet)
							require.NoError(t, err)
							sr := list[0].(*rtcp.SenderReport)
							require.InDelta(t, float64(time.Now().Add(-40*time.Millisecond).Unix()), float64(sr.NTPTime>>32)-2208988800, 1)
							last = time.Now()
						}
						if chunk.Key {
							starts++
							require.Positive(t, reports, "start %d has no report", starts)
						}
						require.Less(t, time.Since(last), reportEvery+100*time.Millisecond)
					}
				}
				require.Greater(t, starts, 1)
			})
		})
	}
}
