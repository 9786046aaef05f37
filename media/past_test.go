package media_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

func TestReadFromAnEarlierTime(t *testing.T) {
	for name, c := range map[string]struct {
		keep, back, first time.Duration
	}{
		"what it keeps":           {10 * time.Second, 5 * time.Second, 54800 * ms},
		"at a key frame":          {10 * time.Second, 4800 * ms, 54800 * ms},
		"all there is":            {10 * time.Second, time.Hour, 49600 * ms},
		"now":                     {10 * time.Second, 0, 59600 * ms},
		"what new viewers need":   {0, time.Hour, 59200 * ms},
		"of a future that is not": {10 * time.Second, -time.Hour, 59600 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			m := newServer(t, media.Config{Options: hook.StreamOptions{KeepFor: &c.keep}})
			pub := publish(t, m, video)
			writeVideo(t, pub, 0, 1500)
			r := pub.Stream().ReadFrom(c.back)
			defer r.Close()
			batch := make([]*media.Packet, 2000)
			n, err := r.ReadBatch(t.Context(), batch)
			require.NoError(t, err)
			require.Equal(t, c.first, batch[0].DTS)
			require.True(t, batch[0].Key)
			require.Equal(t, 59960*ms, batch[n-1].DTS, "and nothing is left out up to the newest")
			require.Equal(t, int((batch[n-1].DTS-batch[0].DTS)/(40*ms))+1, n)
		})
	}
}

// However much is asked for, memory is bounded.
func TestKeptPacketsAreBounded(t *testing.T) {
	keep := time.Hour
	m := newServer(t, media.Config{LogBytes: 1 << 20, Options: hook.StreamOptions{KeepFor: &keep}})
	pub := publish(t, m, video)
	for i := range 1000 {
		p := frame(video, time.Duration(i)*40*ms, i%10 == 0)
		p.Data = make([]byte, 10<<10)
		require.NoError(t, pub.WritePacket(p))
	}
	r := pub.Stream().ReadFrom(time.Hour)
	defer r.Close()
	batch := make([]*media.Packet, 2000)
	n, err := r.ReadBatch(t.Context(), batch)
	require.NoError(t, err)
	require.LessOrEqual(t, n*10<<10, 1<<20)
	require.Greater(t, n*10<<10, 900<<10)
}
