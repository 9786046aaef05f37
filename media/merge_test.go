package media_test

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// What is merged for a crowd is the same bytes for all, to who was there before there was a crowd as well as to who came
// later.
func TestCrowdGetsTheSame(t *testing.T) {
	const crowd, pictures, size = 40, 120, 9000
	s := newServer(t, media.Config{MergeWrite: 50 * time.Millisecond})
	pub := publish(t, s, video)
	var sent bytes.Buffer
	write := func(n int) {
		for range n {
			i := sent.Len() / size
			data := bytes.Repeat([]byte{byte(i), byte(i >> 8), 'p'}, size/3)
			sent.Write(data)
			at := time.Duration(i) * 40 * ms
			require.NoError(t, pub.WritePacket(&media.Packet{Track: video, DTS: at, PTS: at, Key: i%60 == 0, Data: data}))
			time.Sleep(ms)
		}
	}
	write(1)
	var reading sync.WaitGroup
	from := make([]int, crowd)
	got := make([][]byte, crowd)
	for i := range crowd {
		from[i] = sent.Len() / size / 60 * 60 * size // the newest key frame
		p, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
		require.NoError(t, err)
		server, client := pair(t)
		_, err = p.Feed(server, benchFormat, media.FeedOptions{OnEnd: func(err error) {
			p.Close(err)
			server.Close()
		}})
		require.NoError(t, err)
		reading.Go(func() { got[i], _ = io.ReadAll(client) })
		write(pictures / crowd)
	}
	write(pictures)
	pub.Close(nil)
	reading.Wait()
	for i := range crowd {
		at := slices.Index(got[i], 'p') - 2 // behind the header
		require.GreaterOrEqual(t, at, 0)
		require.True(t, bytes.Equal(sent.Bytes()[from[i]:], got[i][at:]), "player %d got %d bytes of %d", i, len(got[i])-at, sent.Len()-from[i])
	}
}
