package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+"/index/api/addStreamProxy?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer reply.Body.Close()
	var answer struct {
		Code int
		Msg  string
	}
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		return fmt.Errorf("lab: the reply to addStreamProxy: %w", err)
	}
	if answer.Code != 0 {
		return fmt.Errorf("lab: pull %d: %s", i, answer.Msg)
	}
	return nil
}
