package httphook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook/internal/outbox"
)

// boxes is an outbox for each observation, and what sends from them.
type boxes struct {
	hook   *Hook
	queues map[string]*outbox.Queue
	name   string        // of this process, in the ids of messages
	number atomic.Uint64 // of the last message

	ctx      context.Context // of attempts
	cancel   context.CancelFunc
	serving  context.Context // ends when no more messages are waited for
	stop     context.CancelFunc
	senders  sync.WaitGroup
	finished sync.Once
	err      error // of closing
}

// maxBackOff bounds the pause between attempts at a backend that is away.
const maxBackOff = 30 * time.Second

// keptEvents returns the events that an outbox keeps.
func keptEvents() []string {
	return []string{
		"on_flow_report", "on_record_mp4", "on_record_ts", "on_rtp_server_timeout", "on_send_rtp_stopped",
		"on_server_exited", "on_server_started", "on_stream_changed",
	}
}

func openBoxes(h *Hook) (*boxes, error) {
	s := h.settings.Load()
	b := &boxes{hook: h, queues: map[string]*outbox.Queue{}, name: rand.Text()[:12]}
	for _, event := range keptEvents() {
		q, err := outbox.Open(filepath.Join(s.Outbox, event), s.OutboxLimit, func(reason string, messages int) {
			h.settings.Load().Logger.Error("hook: observations lost from the outbox", "event", event, "events", messages, "cause", reason)
		})
		if err != nil {
			return nil, errors.Join(err, b.closeQueues())
		}
		b.queues[event] = q
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.serving, b.stop = context.WithCancel(b.ctx)
	for event, q := range b.queues {
		b.senders.Go(func() { b.send(event, q) })
	}
	return b, nil
}

// drain has the senders end when they have nothing to send or cannot, or when ctx ends.
func (b *boxes) drain(ctx context.Context) {
	defer context.AfterFunc(ctx, b.cancel)()
	b.stop()
	b.senders.Wait()
}

func (b *boxes) close() error {
	b.finished.Do(func() {
		b.cancel()
		b.senders.Wait()
		b.err = b.closeQueues()
	})
	return b.err
}

func (b *boxes) closeQueues() error {
	var err error
	for _, q := range b.queues {
		err = errors.Join(err, q.Close())
	}
	return err
}

// letter is a message as it stands in an outbox.
type letter struct {
	ID    string `json:"id"`
	VHost string `json:"vhost,omitempty"`
	Body  []byte `json:"body"`
}

func (b *boxes) put(m message) error {
	id := b.name + "-" + strconv.FormatUint(b.number.Add(1), 10)
	text, err := json.Marshal(letter{ID: id, VHost: m.vhost, Body: m.body})
	if err != nil {
		return err
	}
	return b.queues[m.event].Put(text)
}

// send posts what is in an outbox, in order.
func (b *boxes) send(event string, q *outbox.Queue) {
	for {
		text, err := q.Next(b.serving)
		if b.serving.Err() != nil && err != nil {
			return
		}
		if err == nil {
			if !b.deliver(event, text, q) {
				return
			}
			err = q.Done()
		}
		if err != nil { // of the disk; what is in memory goes on
			b.hook.settings.Load().Logger.Error("hook: the outbox failed", "event", event, "err", err)
			b.pause(time.Second)
		}
	}
}

// pause waits, unless it is the end, and reports whether it is not.
func (b *boxes) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-b.serving.Done():
		return false
	}
}

// deliver posts a message until the backend has it. It returns false if that has to be left to another process.
func (b *boxes) deliver(event string, text []byte, q *outbox.Queue) bool {
	var l letter
	if err := json.Unmarshal(text, &l); err != nil {
		b.hook.settings.Load().Logger.Error("hook: observation lost, the outbox has no message", "event", event, "err", err)
		return true
	}
	for pause := time.Duration(0); ; {
		s := b.hook.settings.Load()
		if s.URLs[event] == "" {
			s.Logger.Warn("hook: observation dropped, there is no URL for it any more", "event", event)
			return true
		}
		_, err := b.hook.attempt(b.ctx, s, message{event: event, vhost: l.VHost, id: l.ID, body: l.Body})
		if _, failed := errors.AsType[*Error](err); !failed {
			b.report(s, event, err)
			return true
		}
		if pause == 0 {
			s.Logger.Warn("hook: the backend fails, observations wait in the outbox", "event", event, "err", err)
		}
		if err := q.Sync(); err != nil {
			s.Logger.Error("hook: the outbox failed", "event", event, "err", err)
		}
		pause = min(max(2*pause, s.RetryDelay), maxBackOff)
		if !b.pause(pause) {
			return false
		}
	}
}

// report logs an observation that the backend has refused, which ends it.
func (b *boxes) report(s *settings, event string, err error) {
	if denied, ok := hook.Denied(err); ok {
		s.Logger.Warn("hook: observation refused", "event", event, "err", denied)
	} else if err != nil {
		s.Logger.Error("hook: observation lost", "event", event, "err", err)
	}
}
