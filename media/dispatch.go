package media

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/tally"
)

const (
	// maxEvents bounds the observations that wait for one stream.
	maxEvents = 1024
	// maxQueues bounds the streams for which some wait. Each has a goroutine then.
	maxQueues = 1 << 14
)

// dispatcher tells observers what happened: in order for each stream, off the media path. A stream has a
// goroutine only while something waits.
type dispatcher struct {
	asker *asker
	log   *slog.Logger
	// base is the context of all observations: they are told also of what ends with the server.
	base context.Context

	mu      sync.Mutex
	queues  elastic.Map[StreamKey, *eventQueue]
	ended   bool
	dropped uint64
	told    uint64 // of dropped
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
	if d.ended {
		return
	}
	q := d.queues.Get(key)
	if q == nil {
		if d.queues.Len() >= maxQueues {
			d.drop()
			return
		}
		q = &eventQueue{}
		d.queues.Set(key, q)
		d.running.Go(func() { d.drain(key, q) })
	}
	if len(q.events) == maxEvents {
		q.events = slices.Delete(q.events, 0, 1)
		d.drop()
	}
	q.events = append(q.events, event{name, tell})
}

// lags reports whether half of what may wait for a stream does, or for so many streams that there is no place for this one.
func (d *dispatcher) lags(key StreamKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if q := d.queues.Get(key); q != nil {
		return len(q.events) >= maxEvents/2
	}
	return d.queues.Len() >= maxQueues
}

// drop counts an event that is dropped. d.mu is held.
func (d *dispatcher) drop() { d.dropped++ }

// end waits until all events are told. Those that come later are not.
func (d *dispatcher) end() {
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.running.Wait()
}

// warn says once a second that events were dropped. Whoever tells events does it: who posts them may hold a lock.
func (d *dispatcher) warn() {
	d.mu.Lock()
	dropped, now := d.dropped, time.Now()
	due := dropped > d.told && now.Sub(d.warned) >= time.Second
	if due {
		d.told, d.warned = dropped, now
	}
	d.mu.Unlock()
	if due {
		d.log.Warn("observers are too slow, events dropped", "dropped", dropped)
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
		d.warn()
	}
}

// next takes the oldest event, or ends the queue.
func (d *dispatcher) next(key StreamKey, q *eventQueue) (event, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(q.events) == 0 {
		d.queues.Delete(key)
		return event{}, false
	}
	ev := q.events[0]
	q.events[0] = event{}
	q.events = q.events[1:]
	return ev, true
}
