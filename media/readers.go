package media

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// join counts a player in, and reports whether the stream still lives.
func (st *Stream) join(p *Player) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended {
		return false
	}
	p.stream = st
	p.session.player.Store(p)
	st.players.add(p)
	st.readers[p.request.Schema]++
	st.schema = p.request.Schema
	if st.idle != nil {
		st.idle.Stop()
	}
	return true
}

// leave counts a player out.
func (st *Stream) leave(p *Player) {
	if st.private != nil {
		st.private.cancel(nil) // nobody else plays it
	}
	st.mu.Lock()
	p.session.player.CompareAndSwap(p, nil)
	st.players.remove(p)
	sent, skipped := p.traffic()
	st.left.Sent += sent
	st.left.Skipped += skipped
	st.schema = p.request.Schema
	if st.readers[st.schema]--; st.readers[st.schema] == 0 {
		delete(st.readers, st.schema)
	}
	st.mu.Unlock()
	st.watchReaders()
}

// Readers returns how many players the stream has in a schema, and in all.
func (st *Stream) Readers(schema string) (here, all int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.readers[schema], st.countReaders()
}

// countReaders counts the players. st.mu is held.
func (st *Stream) countReaders() int {
	all := 0
	for _, n := range st.readers {
		all += n
	}
	return all
}

// watchReaders begins the time after which an unwatched stream is asked about, if nobody watches.
func (st *Stream) watchReaders() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended || st.private != nil || st.countReaders() > 0 {
		return
	}
	delay := st.server.config().NoneReaderDelay
	if st.idle == nil {
		st.idle = time.AfterFunc(delay, func() { st.server.spawn(st.unwatched) })
		return
	}
	st.idle.Reset(delay)
}

// unwatched asks whether to close the stream, and does so if it is unwatched still.
func (st *Stream) unwatched() {
	st.mu.Lock()
	watched := st.ended || st.countReaders() > 0
	ev := &hook.StreamEvent{Stream: st.key, Schema: st.schema}
	st.mu.Unlock()
	if watched {
		return
	}
	if schemas := st.Schemas(); ev.Schema == "" && len(schemas) > 0 {
		ev.Schema = schemas[len(schemas)-1] // nobody ever watched: it is the schema that ZLMediaKit serves last
		if slices.Contains(schemas, "hls") {
			ev.Schema = "hls"
		}
	}
	ev.Params = st.params()
	asks := st.options.NoneReaderHook
	closeIt := (asks == nil || *asks) && st.server.askNoneReader(ev)
	if closeIt || *st.options.AutoClose {
		st.endIf(ErrNoReader, func() bool { return st.countReaders() == 0 })
	}
}

// askNoneReader asks the hooks; one that says so is enough.
func (s *Server) askNoneReader(ev *hook.StreamEvent) (closeIt bool) {
	for _, h := range s.hooks.noneReader {
		yes, err := ask(s.decision, s.asker, "stream_none_reader", func(ctx context.Context) (bool, error) {
			return h.OnStreamNoneReader(ctx, ev)
		})
		if err != nil && !errors.Is(err, hook.ErrNotHandled) {
			s.log.Warn("hook failed", "event", "stream_none_reader", "stream", ev.Stream.String(), "err", err)
		}
		closeIt = closeIt || yes && err == nil
	}
	return closeIt
}
