package media

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/tally"
)

// maxEvents bounds the observations that wait for one stream.
const maxEvents = 1024

// dispatcher tells observers what happened: in order for each stream, off the media path. A stream has a
// goroutine only while something waits.
type dispatcher struct {
	asker *asker
	log   *slog.Logger
	// base is the context of all observations: they are told also of what ends with the server.
	base context.Context

	mu      sync.Mutex
	queues  map[StreamKey]*eventQueue
	dropped uint64
	warned  time.Time
	running tally.Tally
}

type eventQueue struct{ events []event }

type event struct {
	name string
	tell func(context.Context)
}

// post appends an event to the queue of key.
func (d *dispatcher) post(key StreamKey, name string, tell func(context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[key]
	if q == nil {
		q = &eventQueue{}
		d.queues[key] = q
		d.running.Go(func() { d.drain(key, q) })
	}
	if len(q.events) == maxEvents {
		q.events = q.events[1:]
		d.warn(key)
	}
	q.events = append(q.events, event{name, tell})
}

// warn says once a second that events were dropped.
func (d *dispatcher) warn(key StreamKey) {
	d.dropped++
	if now := time.Now(); now.Sub(d.warned) >= time.Second {
		d.warned = now
		d.log.Warn("observers are too slow, events dropped", "stream", key.String(), "dropped", d.dropped)
	}
}

func (d *dispatcher) drain(key StreamKey, q *eventQueue) {
	for {
		ev, ok := d.next(key, q)
		if !ok {
			return
		}
		_, err := ask(d.base, d.asker, ev.name, func(ctx context.Context) (struct{}, error) {
			ev.tell(ctx)
			return struct{}{}, nil
		})
		if err != nil {
			d.log.Warn("observer failed", "event", ev.name, "stream", key.String(), "err", err)
		}
	}
}

// next takes the oldest event, or ends the queue.
func (d *dispatcher) next(key StreamKey, q *eventQueue) (event, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(q.events) == 0 {
		delete(d.queues, key)
		return event{}, false
	}
	ev := q.events[0]
	q.events[0] = event{}
	q.events = q.events[1:]
	return ev, true
}
