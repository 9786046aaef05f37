package lab

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// pullsAtOnce is how many pulls are begun at the same time: a call of the API returns when its stream is there.
const pullsAtOnce = 16

// Pull has the server pull a stream n times, by its API, and returns when all are there. What it takes to play them is
// Streams in a Load.
func (s *Server) Pull(ctx context.Context, from string, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	turns := make(chan int)
	var wg sync.WaitGroup
	for range pullsAtOnce {
		wg.Go(func() {
			for i := range turns {
				if err := s.pullOne(ctx, from, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		turns <- i // when one has failed, the others fail at once
	}
	close(turns)
	wg.Wait()
	return context.Cause(ctx)
}

func (s *Server) pullOne(ctx context.Context, from string, i int) error {
	stream := wire.Numbered(&url.URL{Path: streamPath}, i).Path
	query := url.Values{
		"vhost": {"__defaultVhost__"}, "app": {"live"}, "stream": {stream[len("/live/"):]}, "url": {from}, "rtp_type": {"0"},
		"timeout_sec": {strconv.Itoa(int(startLimit.Seconds()))},
	}
	if err := s.call(ctx, "addStreamProxy", query, nil); err != nil {
		return fmt.Errorf("lab: pull %d: %w", i, err)
	}
	return nil
}
