package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

const (
	// denialTime is how long it is remembered that a stream could not be pulled, and maxDenials bounds how many are.
	denialTime = time.Second
	maxDenials = 10_000
)

// OnDemand pulls streams while somebody watches them: of one that is not there, source says where it comes from, or false if it does not
// know it. Whoever asks for the stream meanwhile waits for the one pull of it, whose key is StreamKey.String. It ends when nobody has
// watched for media.Config.NoneReaderDelay: OnStreamNoneReader is asked then, as of any stream with AutoClose, and whatever it says the
// stream ends. A player is told at once when the pull fails, and so is who asks within a second.
//
// source may be called from several goroutines, also for a stream that is being pulled. stop ends that; pulls go on as long as they are
// watched.
func (r *Relay) OnDemand(source func(key media.StreamKey) (url string, ok bool)) (stop func()) {
	return r.demand(func(q *media.OpenRequest) ([]PullRequest, error) {
		url, ok := source(q.Stream)
		if !ok {
			return nil, hook.ErrNotHandled
		}
		return []PullRequest{{URL: url}}, nil
	})
}

// demand lets streams be pulled for which sources returns requests, of which one after the other is tried.
func (r *Relay) demand(sources func(*media.OpenRequest) ([]PullRequest, error)) (stop func()) {
	return r.media.Open(&demand{relay: r, sources: sources, opening: map[media.StreamKey]*opening{}, denied: map[media.StreamKey]error{}})
}

// demand is an opener that pulls.
type demand struct {
	relay   *Relay
	sources func(*media.OpenRequest) ([]PullRequest, error)

	mu      sync.Mutex
	opening map[media.StreamKey]*opening // pulls that have not come yet
	denied  map[media.StreamKey]error    // those that have failed a moment ago
}

// opening is a pull that players wait for.
type opening struct {
	done chan struct{} // closed when the stream is there, or err says why not
	err  error
}

// Open implements [media.Opener].
func (d *demand) Open(ctx context.Context, r *media.OpenRequest) (media.Source, error) {
	requests, err := d.sources(r)
	if err != nil {
		return nil, err
	}
	o, err := d.begin(r.Stream, requests)
	if err != nil {
		return nil, err
	}
	select {
	case <-o.done:
		return nil, o.err // no source for this player alone: all share the stream
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin returns the pull of a stream, which it begins unless it is under way.
func (d *demand) begin(key media.StreamKey, requests []PullRequest) (*opening, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.opening[key]; o != nil {
		return o, nil
	}
	if err := d.denied[key]; err != nil {
		return nil, err
	}
	o := &opening{done: make(chan struct{})}
	if _, ok := d.relay.media.Stream(key); ok { // it has just come
		close(o.done)
		return o, nil
	}
	if !d.relay.spawn(func() { d.pull(key, requests, o) }) {
		return nil, ErrClosed
	}
	d.opening[key] = o
	return o, nil
}

// pull pulls until one of the requests succeeds, and then as long as there is the stream.
func (d *demand) pull(key media.StreamKey, requests []PullRequest, o *opening) {
	err := errNoSource
	for _, q := range requests {
		q.Stream, q.Key = key, key.String()
		q.Options.AutoClose = new(true)
		if err = d.relay.Pull(d.relay.life, q); err == nil || errors.Is(err, ErrExists) {
			break
		}
	}
	j := d.relay.pullOf(key.String())
	st, live := d.relay.media.Stream(key)
	switch {
	case err != nil && (live || errors.Is(err, ErrExists)): // somebody else has it, or is about to: the players wait for that
		d.settle(key, o, nil)
		return
	case err != nil:
		d.settle(key, o, fmt.Errorf("%w: %w", media.ErrStreamNotFound, err))
		return
	}
	d.settle(key, o, nil)
	if live {
		select {
		case <-st.Done():
		case <-d.relay.life.Done():
		}
	}
	if j != nil { // with nobody there to watch, it need not be tried again
		j.cancel(ErrRemoved)
	}
}

// pullOf returns the pull of a key, nil if there is none.
func (r *Relay) pullOf(key string) *job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pulls[key]
}

// settle lets the players go on, and remembers for a while that there is no such stream.
func (d *demand) settle(key media.StreamKey, o *opening, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.opening, key)
	o.err = err
	close(o.done)
	if err == nil || len(d.denied) >= maxDenials {
		return
	}
	d.denied[key] = err
	time.AfterFunc(denialTime, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.denied, key)
	})
}

// spawn runs fn on a goroutine that the relay waits for, unless it is closed.
func (r *Relay) spawn(fn func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.running.Go(fn)
	return true
}
