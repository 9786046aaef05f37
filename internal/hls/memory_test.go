package hls_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what has a finalizer
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What there is of a stream of 2 Mbit/s for those who watch it by low-latency HLS takes at most 3 MB.
func TestMemoryOfAStream(t *testing.T) {
	const (
		streams = 8
		picture = 40 * time.Millisecond
		group   = 50
		size    = 2_000_000 / 8 / 25
	)
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		key := firstKey(newSource(t))
		first, rest := *key, *key
		first.Data, rest.Data = make([]byte, 5*size), make([]byte, (group-5)*size/(group-1))
		copy(first.Data, []byte{0, 0, 0, 0, 0x65})
		var pubs []*media.Publisher
		at := time.Duration(0)
		write := func(n int) {
			for ; n > 0; n-- {
				p := rest
				if p.Key = at/picture%group == 0; p.Key {
					p.Data = first.Data
				}
				p.DTS, p.PTS = at, at
				for _, pub := range pubs {
					each := p
					require.NoError(t, pub.WritePacket(&each))
				}
				at += picture
				time.Sleep(picture)
			}
		}
		for i := range streams {
			pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: string(rune('a' + i))}, Schema: "rtmp"})
			require.NoError(t, err)
			require.NoError(t, pub.SetTracks(key.Track))
			pubs = append(pubs, pub)
		}
		write(3 * group)
		before := heap()
		cfg := hls.Config{Target: 2 * time.Second, Count: 3, Suffix: ".mp4", Init: true, Part: 500 * time.Millisecond}
		for _, pub := range pubs {
			_, release, err := media.Share(t.Context(), pub.Stream(), cfg, time.Minute, func(ctx context.Context) (*hls.Live, error) {
				return hls.Open(ctx, pub.Stream(), mp4, cfg)
			})
			require.NoError(t, err)
			defer release()
		}
		write(10 * group)
		var most, sum, samples int64
		for range 3 * group / 5 {
			write(5)
			n := (heap() - before) / streams
			most = max(most, n)
			sum += n
			samples++
		}
		t.Logf("%d KB, %d at most", sum/samples>>10, most>>10)
		require.Less(t, most, int64(3_000_000))
		require.Greater(t, most, int64(2_000_000))
	})
}
