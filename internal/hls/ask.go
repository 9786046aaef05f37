package hls

import (
	"context"
	"errors"
	"slices"
	"strings"
)

var (
	// ErrNotFound says that there is no such segment, or none any more.
	ErrNotFound = errors.New("hls: no such segment")
	// ErrTooFar says that a reload asks for what is far from coming (RFC 8216bis, 6.2.5.2).
	ErrTooFar = errors.New("hls: the reload asks for a segment that is far from coming")
)

// Reload is what a client wants to have in the playlist before it gets it (6.2.5).
type Reload struct {
	// Segment and Part are what is to be there; -1 if the client does not say. Without a part the whole segment is.
	Segment, Part int64
	// Skip asks for a delta update.
	Skip bool
	// Delayed asks for the playlist with Config.Delay more segments, which is never waited for.
	Delayed bool
}

// Playlist returns the playlist, once it has a segment and what is asked for. In it query stands behind each URI. The error is
// that of ctx, ErrNotFound or ErrTooFar.
func (l *Live) Playlist(ctx context.Context, r Reload, query string) (string, error) {
	t, err := l.text(ctx, r)
	if err != nil {
		return "", err
	}
	return t.with(query), nil
}

// EncodedPlaylist is Playlist, encoded by a function that is the same in all calls. It is called once for all who have no query.
// What is returned must not be changed.
func (l *Live) EncodedPlaylist(ctx context.Context, r Reload, query string, encode func(text string) []byte) ([]byte, error) {
	t, err := l.text(ctx, r)
	if err != nil {
		return nil, err
	}
	return t.encode(query, encode), nil
}

// text returns the playlist that is asked for, once it is there.
func (l *Live) text(ctx context.Context, r Reload) (t *text, err error) {
	err = l.await(ctx, func() (bool, error) {
		ready, err := l.has(r)
		if ready && err == nil {
			all := l.playlist(l.windowOf(r))
			t = all.whole
			if r.Skip && all.delta != nil {
				t = all.delta
			}
		}
		return ready, err
	})
	return t, err
}

// await waits until done says so, which it calls with l.mu held, or fails.
func (l *Live) await(ctx context.Context, done func() (bool, error)) error {
	for {
		l.mu.Lock()
		ready, err := done()
		changed := l.changed
		l.mu.Unlock()
		if ready || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// windowOf returns what the playlist shows that is asked for.
func (l *Live) windowOf(r Reload) *window {
	if r.Delayed {
		return &l.delayed
	}
	return &l.window
}

// has reports whether what is asked for is in the playlist. l.mu is held.
func (l *Live) has(r Reload) (bool, error) {
	complete := len(l.list) > 0 && l.list[0].lasts > 0
	if l.ended {
		if !complete {
			return false, ErrNotFound
		}
		return true, nil
	}
	if !complete || r.Segment < 0 || !l.windowOf(r).parts {
		return complete, nil
	}
	last := l.list[len(l.list)-1]
	next := int64(last.number) // of what is to come
	if last.lasts > 0 {
		next++
	}
	if at := len(l.list) - 1 - int(int64(last.number)-r.Segment); r.Segment <= int64(last.number) && at >= 0 &&
		l.list[at].lasts > 0 && r.Part >= int64(len(l.list[at].parts)) {
		r.Segment, r.Part = r.Segment+1, 0 // behind the last part of a segment is the first of the next
	}
	switch {
	case r.Segment > next+1:
		return false, ErrTooFar
	case r.Segment < next:
		return true, nil
	case r.Segment > next:
		return false, nil
	}
	return r.Part >= 0 && last.lasts == 0 && r.Part < int64(len(last.parts)), nil
}

// Find returns the pieces of a segment, a part or an initialization segment, by what the playlist calls it. For the part that
// it names as the next to come Find waits. The error is ErrNotFound or that of ctx.
func (l *Live) Find(ctx context.Context, name string) (pieces [][]byte, err error) {
	err = l.await(ctx, func() (bool, error) {
		var wait bool
		pieces, wait = l.find(name)
		if pieces == nil && (!wait || l.ended) {
			return false, ErrNotFound
		}
		return pieces != nil, nil
	})
	return pieces, err
}

// find looks for something, and reports whether it is about to come. l.mu is held.
func (l *Live) find(name string) (pieces [][]byte, wait bool) {
	if l.cfg.Init && strings.HasPrefix(name, "init") {
		return l.findInit(name), false
	}
	if name == l.coming && l.cfg.Part > 0 {
		return nil, true
	}
	base, segment := strings.CutSuffix(name, l.cfg.Suffix)
	for _, e := range slices.Backward(l.list) { // the newest are asked for
		if segment && e.name == base && e.lasts > 0 {
			return dataOf(e.parts), false
		}
		for _, p := range e.parts {
			if p.name == name && l.cfg.Part > 0 {
				return [][]byte{p.Data}, false
			}
		}
	}
	return nil, false
}

func (l *Live) findInit(name string) [][]byte {
	for _, e := range l.list {
		if e.init != nil && initName(e.init.Number) == name {
			return [][]byte{e.init.Data}
		}
	}
	return nil
}

func dataOf(parts []part) (pieces [][]byte) {
	for _, p := range parts {
		pieces = append(pieces, p.Data)
	}
	return pieces
}
