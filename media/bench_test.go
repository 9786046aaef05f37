package media_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// benchFormat copies the payload, like the muxers of real formats do.
var benchFormat = &media.Format{Name: "bench", New: func() media.Muxer { return benchMuxer{} }}

type benchMuxer struct{ wireMuxer }

func (benchMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	return append(dst, p.Data...), nil
}

// BenchmarkFanOut writes pictures of 10 kB to a stream that some players watch over loopback. What is
// allocated is per picture, whatever the number of players: the packet, its places in two logs and its share
// of the segment.
func BenchmarkFanOut(b *testing.B) {
	for _, c := range []struct {
		name    string
		players int
	}{{"0", 0}, {"1", 1}, {"100", 100}, {"400", 400}} {
		b.Run(c.name, func(b *testing.B) { benchmarkFanOut(b, c.players) })
	}
}

func benchmarkFanOut(b *testing.B, players int) {
	s := newServer(b, media.Config{})
	pub := publish(b, s, video)
	var drained sync.WaitGroup
	defer drained.Wait()
	var feeds []*media.Player
	for range players {
		p, err := s.Play(b.Context(), media.PlayRequest{Stream: key})
		require.NoError(b, err)
		server, client := pair(b)
		_, err = p.Feed(server, benchFormat, media.FeedOptions{})
		require.NoError(b, err)
		feeds = append(feeds, p)
		drained.Go(func() { drain(client) })
		defer server.Close() // before the wait for who drains it
	}
	data := make([]byte, 10_000)
	b.SetBytes(int64(len(data) * max(players, 1)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		pkt := &media.Packet{Track: video, DTS: time.Duration(i) * 40 * ms, Key: i%50 == 0, Data: data}
		pkt.PTS = pkt.DTS
		if err := pub.WritePacket(pkt); err != nil {
			b.Fatal(err)
		}
		awaitSent(feeds, uint64(i+1)*uint64(len(data)))
	}
	b.StopTimer()
	pub.Close(nil)
	for _, p := range feeds {
		p.Close(nil)
	}
}

// awaitSent waits until every player has been sent n bytes.
func awaitSent(players []*media.Player, n uint64) {
	for _, p := range players {
		for {
			if _, sent := p.Session().Bytes(); sent >= n {
				break
			}
			time.Sleep(20 * time.Microsecond)
		}
	}
}

func drain(c net.Conn) {
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 64<<10))
}
