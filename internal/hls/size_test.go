package hls_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// A publisher whose stamps stand still does not fill the memory: the segments there are have a bound in bytes, too.
func TestStampsStandStill(t *testing.T) {
	for _, cfg := range []hls.Config{plain, low} {
		s := newSource(t)
		s.write(1500 * time.Millisecond)
		f := ts
		if cfg.Init {
			f = mp4
		}
		l := s.open(f, cfg)
		_, err := l.Playlist(t.Context(), now, "")
		require.NoError(t, err)
		big := *s.packets[slices.IndexFunc(s.packets, func(p *media.Packet) bool { return p.Key && p.Track.Codec.Video() })]
		big.Data = make([]byte, 1<<20)
		copy(big.Data, []byte{0, 0xf, 0xff, 0xfc, 0x65}) // one slice
		big.DTS, big.PTS = s.at(), s.at()
		names := map[string]bool{}
		for i := range 200 {
			p := big
			require.NoError(t, s.pub.WritePacket(&p))
			if i%8 == 7 { // the reader is to keep up
				time.Sleep(5 * time.Millisecond)
			}
			text, err := l.Playlist(t.Context(), now, "")
			require.NoError(t, err)
			for _, name := range uris(text) {
				names[name] = true
			}
		}
		s.pub.Close(nil)
		require.Eventually(t, l.Ended, 20*time.Second, time.Millisecond)
		text, err := l.Playlist(t.Context(), now, "")
		require.NoError(t, err)
		kept, largest := 0, 0
		for _, name := range uris(text) {
			names[name] = true
		}
		for name := range names {
			pieces, _ := l.Find(t.Context(), name)
			size := 0
			for _, p := range pieces {
				size += len(p)
			}
			kept, largest = kept+size, max(largest, size)
		}
		require.LessOrEqual(t, largest, 13<<20, "100 Mbit/s for a second")
		require.LessOrEqual(t, kept, 7*13<<20)
		require.Greater(t, kept, 1<<20)
	}
}
