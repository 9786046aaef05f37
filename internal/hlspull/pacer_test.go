package hlspull

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/pace"
	"github.com/sluice-media/sluice/media"
)

// Tracks of one playlist whose stamps have nothing to do with each other do not hold each other up, nor do they come all at once.
func TestTracksApart(t *testing.T) {
	c := loadClip(t)
	length := c.video[len(c.video)-1].DTS
	for name, by := range map[string]time.Duration{"ahead": time.Hour, "somewhat ahead": pace.Furthest + 5*time.Second, "not far": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			sound := later(c.sound, by)
			mixed := slices.SortedStableFunc(slices.Values(slices.Concat(c.video, sound)), func(a, b *media.Packet) int {
				stamp := func(p *media.Packet) time.Duration {
					if p.Track.Codec.Video() {
						return p.DTS
					}
					return p.DTS - by
				}
				return int(stamp(a) - stamp(b))
			})
			synctest.Test(t, func(t *testing.T) {
				d := &disk{files: map[string][]byte{}}
				d.vod("v", "", segments(t, mixed, 3, 0)...)
				began := time.Now()
				got, said, err := run(t, d, strings.ReplaceAll(withSound, ",AUDIO=\"a\"", ""))
				require.NoError(t, err)
				requireAll(t, c.video, got.of(true), tsDelay)
				requireAll(t, sound, got.of(false), tsDelay)
				took := time.Since(began)
				if by < pace.Furthest {
					require.Empty(t, said)
					require.InDelta(t, length+by/2, took, float64(by/2+time.Second), "which of them has the pace is theirs to say")
					return
				}
				require.Equal(t, []string{pace.ErrApart.Error()}, said)
				require.InDelta(t, length, took, float64(time.Second))
			})
		})
	}
}

// Where the stamps of all tracks begin anew, that is nothing to speak of, and the pace goes on.
func TestTracksJump(t *testing.T) {
	c := loadClip(t)
	both := slices.SortedStableFunc(slices.Values(slices.Concat(c.video, c.sound)), func(a, b *media.Packet) int { return int(a.DTS - b.DTS) })
	length := both[len(both)-1].DTS - both[0].DTS
	synctest.Test(t, func(t *testing.T) {
		d := &disk{files: map[string][]byte{}}
		var all [][]byte
		for i := range 3 * pace.ManyTurns { // on, and back
			all = append(all, transport(t, later(both, time.Duration(i%3)*time.Minute)))
		}
		d.vod("v", "", all...)
		began := time.Now()
		got, said, err := run(t, d, strings.ReplaceAll(withSound, ",AUDIO=\"a\"", ""))
		require.NoError(t, err)
		require.Empty(t, said)
		require.Len(t, got.packets, len(all)*len(both))
		require.InDelta(t, time.Duration(len(all))*length, time.Since(began), float64(len(all))*float64(100*time.Millisecond))
	})
}
