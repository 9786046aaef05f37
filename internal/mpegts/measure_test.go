package mpegts

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// muxed returns a transport stream, and where its packets end.
func muxed(t testing.TB, tracks []*media.Track, packets []*media.Packet) (ts []byte, ends []int) {
	t.Helper()
	m := NewMuxer()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: tracks})
	require.NoError(t, err)
	for _, p := range packets {
		ts = m.appendPacket(ts, p, p.Key)
		ends = append(ends, len(ts))
	}
	return ts, ends
}

func measure(t testing.TB, ts []byte) Extent {
	t.Helper()
	x, err := Measure(bytes.NewReader(ts))
	require.NoError(t, err)
	require.LessOrEqual(t, x.Size, int64(len(ts)))
	require.Zero(t, x.Size%packetSize)
	return x
}

// Wherever a transport stream is cut, what is whole of it are the access units up to there.
func TestMeasure(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	packets = packets[:200]
	// A picture this large does not say its size.
	large := *packets[0]
	large.Data = append([]byte{0, 1, 0x86, 0xa0}, bytes.Repeat([]byte{0x41}, 100000)...)
	large.Track, large.DTS, large.PTS = tracks[0], packets[199].DTS+40*time.Millisecond, packets[199].DTS+80*time.Millisecond
	packets = append(packets, &large)
	ts, ends := muxed(t, tracks, packets)
	for cut := 0; cut <= len(ts); cut += 307 {
		n := 0
		for n < len(ends) && ends[n] <= cut {
			n++
		}
		x := measure(t, ts[:cut])
		require.Equal(t, n, x.Units, cut)
		if n == 0 {
			require.Zero(t, x.First)
			continue
		}
		require.GreaterOrEqual(t, x.Size, int64(ends[n-1]))
		require.Equal(t, x, measure(t, ts[:x.Size]), "again")
		require.InDelta(t, packets[0].DTS+delay, x.First, float64(20*time.Microsecond))
		last := map[int]time.Duration{}
		for _, p := range packets[:n] {
			last[p.Track.ID] = p.DTS + delay
		}
		for _, at := range last {
			require.Greater(t, x.End, at)
			require.Less(t, x.End, at+time.Second)
		}
	}
	require.Equal(t, len(packets), measure(t, ts).Units)
	require.InDelta(t, large.DTS+delay+40*time.Millisecond, measure(t, ts).End, float64(60*time.Millisecond))
}

// A picture without a size whose end fills its packet is whole when the next begins, and not known to be before.
func TestMeasureWithoutStuffing(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	found := 0
	for size := 100000; size < 100000+payloadSize; size++ {
		p := *packets[0]
		p.Track, p.Key = tracks[0], false
		p.Data = append([]byte{0, byte(size >> 16), byte(size >> 8), byte(size)}, bytes.Repeat([]byte{0x41}, size)...)
		next := p
		next.DTS, next.PTS, next.Data = p.DTS+40*time.Millisecond, p.PTS+40*time.Millisecond, []byte{0, 0, 0, 1, 0x41}
		ts, ends := muxed(t, tracks[:1], []*media.Packet{&p, &next})
		if x := measure(t, ts[:ends[0]]); x.Units == 0 {
			found++
		} else {
			require.EqualValues(t, ends[0], x.Size)
		}
		require.Equal(t, 2, measure(t, ts).Units)
	}
	require.Equal(t, 1, found)
}

// What a power cut leaves is zeros, or what was there before: it ends there. So it does where a packet is missing, and an error is told.
func TestMeasureDamage(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	ts, ends := muxed(t, tracks, packets)
	half := ends[len(ends)/2]
	zeros := append(bytes.Clone(ts[:half]), make([]byte, len(ts)-half)...)
	require.EqualValues(t, ends[len(ends)/2-1], measure(t, zeros).Size, "the last packet may be zeros to its end, too")
	gap := append(bytes.Clone(ts[:half]), ts[half+packetSize:]...)
	require.Less(t, measure(t, gap).Size, int64(half+64<<10))
	require.Zero(t, measure(t, []byte("#EXTM3U and what else is no transport stream, but longer than one packet is: "+string(make([]byte, 200)))))
	broken := errors.New("broken")
	_, err := Measure(io.MultiReader(bytes.NewReader(ts[:half+100]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

// Whatever is measured, it is a whole number of packets, and the same again.
func FuzzMeasure(f *testing.F) {
	tracks, packets := reel.Load(f, testmedia.H264())
	ts, _ := muxed(f, tracks, packets)
	f.Add(ts[:40*packetSize])
	f.Add(ts[:9*packetSize+7])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, ts []byte) {
		x := measure(t, ts)
		require.LessOrEqual(t, x.First, x.End)
		require.Equal(t, x, measure(t, ts[:x.Size]))
	})
}
