package relay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
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
// stream ends. A player is told at once when the pull fails, and so is who asks within a second. When all who have waited leave before
// anything comes, the pull ends.
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
	return r.media.Open(newDemand(r, sources))
}

func newDemand(r *Relay, sources func(*media.OpenRequest) ([]PullRequest, error)) *demand {
	return &demand{
		relay: r, sources: sources,
		opening: map[media.StreamKey]*opening{}, queues: map[media.StreamKey]*queue{}, denied: map[question]error{},
	}
}

// demand is an opener that pulls.
type demand struct {
	relay   *Relay
	sources func(*media.OpenRequest) ([]PullRequest, error)

	mu      sync.Mutex
	opening map[media.StreamKey]*opening // pulls that have not come yet
	queues  map[media.StreamKey]*queue   // of who waits for them
	denied  map[question]error           // what has failed a moment ago
}

// question is what sources are asked: for a stream, in the name of a player. One who is refused says nothing of another, whose token may be
// good.
type question struct {
	stream media.StreamKey
	urls   [sha256.Size]byte
}

func newQuestion(key media.StreamKey, requests []PullRequest) question {
	var urls []string
	for _, r := range requests {
		urls = append(urls, r.URL)
	}
	slices.Sort(urls) // an edge takes turns
	return question{key, sha256.Sum256([]byte(strings.Join(urls, "\n")))}
}

// opening is a pull that players wait for.
type opening struct {
	question
	done   chan struct{} // closed when the stream is there, or err says why not
	err    error
	cancel context.CancelCauseFunc
}

// Open implements [media.Opener].
func (d *demand) Open(ctx context.Context, r *media.OpenRequest) (media.Source, error) {
	requests, err := d.sources(r)
	if err != nil {
		return nil, err
	}
	w := &waiter{newQuestion(r.Stream, requests), requests, network(r.Session.Remote.Addr())}
	for in := false; ; {
		o, err := d.begin(w, &in) //nolint:contextcheck // the pull is for all who wait
		if err != nil {
			return nil, err
		}
		select {
		case <-o.done:
			if o.err == nil || o.question == w.question && !errors.Is(o.err, errLeft) {
				d.leave(w, false)
				return nil, o.err // no source for this player alone: all share the stream
			}
			// That was in the name of another.
		case <-ctx.Done():
			d.leave(w, !errors.Is(ctx.Err(), context.DeadlineExceeded)) // one who has waited long enough may come again
			return nil, context.Cause(ctx)
		}
	}
}

// errLeft ends a pull for which nobody waits any more.
var errLeft = errors.New("relay: who has asked for it has left")

// leave takes a player out of the queue. One who loses patience ends the pull that was in his name, unless others have asked the same.
func (d *demand) leave(w *waiter, impatient bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[w.stream]
	if q.remove(w); len(q.waiters) == 0 {
		delete(d.queues, w.stream)
	}
	if o := d.opening[w.stream]; o != nil && impatient && o.question == w.question && !q.asks(o.question) {
		o.cancel(errLeft)
	}
}

// begin returns the pull of a stream, which it begins unless one is under way: then the player waits for his turn, and is in the queue from
// then on.
func (d *demand) begin(w *waiter, in *bool) (*opening, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, err := d.current(w)
	switch {
	case err == nil && !*in:
		*in = true
		if d.queues[w.stream] == nil {
			d.queues[w.stream] = &queue{turns: map[netip.Prefix]int{}}
		}
		d.queues[w.stream].waiters = append(d.queues[w.stream].waiters, w)
	case err != nil && *in:
		if q := d.queues[w.stream]; q.remove(w) && len(q.waiters) == 0 {
			delete(d.queues, w.stream)
		}
	}
	return o, err
}

// current is the pull of a stream that is under way, or that of a player. d.mu is held.
func (d *demand) current(w *waiter) (*opening, error) {
	if o := d.opening[w.stream]; o != nil {
		return o, nil
	}
	if err := d.denied[w.question]; err != nil {
		return nil, err
	}
	return d.start(w)
}

// start begins the pull that a player asks for. d.mu is held.
func (d *demand) start(w *waiter) (*opening, error) {
	o := &opening{question: w.question, done: make(chan struct{})}
	if _, ok := d.relay.media.Stream(w.stream); ok { // it has just come
		close(o.done)
		return o, nil
	}
	ctx, cancel := context.WithCancelCause(d.relay.life)
	o.cancel = cancel
	if !d.relay.spawn(func() { d.pull(ctx, w.requests, o) }) {
		cancel(nil)
		return nil, ErrClosed
	}
	d.opening[w.stream] = o
	return o, nil
}

// pull pulls until one of the requests succeeds, and then as long as there is the stream.
func (d *demand) pull(ctx context.Context, requests []PullRequest, o *opening) {
	defer o.cancel(nil)
	key, err := o.stream, errNoSource
	for _, q := range requests {
		q.Stream, q.Key = key, key.String()
		q.Options.AutoClose = new(true)
		if err = d.relay.Pull(ctx, q); err == nil || errors.Is(err, ErrExists) || ctx.Err() != nil {
			break
		}
	}
	j := d.relay.pullOf(key.String())
	st, live := d.relay.media.Stream(key)
	switch {
	case err != nil && (live || errors.Is(err, ErrExists)): // somebody else has it, or is about to: the players wait for that
		d.settle(o, nil) //nolint:contextcheck // the next pull has a life of its own
		return
	case err != nil:
		d.settle(o, fmt.Errorf("%w: %w", media.ErrStreamNotFound, err)) //nolint:contextcheck // the next pull has a life of its own
		return
	}
	d.settle(o, nil) //nolint:contextcheck // the next pull has a life of its own
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
func (d *demand) settle(o *opening, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.opening, o.stream)
	o.err = err
	close(o.done)
	if err == nil {
		return
	}
	if !errors.Is(err, errLeft) && len(d.denied) < maxDenials {
		d.deny(o.question, err)
	}
	next := d.queues[o.stream].next(func(q question) bool { return q != o.question && d.denied[q] == nil })
	if next != nil {
		_, _ = d.start(next) // whoever is in the queue asks again, and sees the error
	}
}

// deny remembers for a while that a question has had no answer. d.mu is held.
func (d *demand) deny(asked question, err error) {
	d.denied[asked] = err
	time.AfterFunc(denialTime, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.denied, asked)
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
