package hlspull

import (
	"context"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/pace"
)

const (
	// latest is how long a playlist is waited for when another has what is due, and how long one waits for another to get to where
	// stamps begin anew; latestFirst is how long at the beginning.
	latest, latestFirst = 3 * time.Second, 10 * time.Second
	// shortest is how long one has waited if that is more than what any change of goroutines takes.
	shortest = 100 * time.Millisecond
)

// join hands on the packets of two playlists in the order in which they are due. Its methods are for one goroutine.
type join struct {
	pace   *pace.Pacer
	feeds  [2]*feed // the variant, and its sound
	begun  bool     // something has been handed on
	dirty  bool     // other tracks have to be told
	period int64    // of what is played
}

// playBoth plays a variant with its sound, and returns nil when both have an end and are over.
func playBoth(ctx context.Context, pacer *pace.Pacer, lists [2]*client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	pacer.Came = nil // each playlist has its own
	j := &join{pace: pacer}
	for i, c := range lists {
		j.feeds[i] = &feed{
			client: c, sound: i == 1, out: make(chan event),
			done: ctx.Done(), why: func() error { return context.Cause(ctx) },
		}
	}
	for _, f := range j.feeds {
		go func() {
			defer close(f.out)
			f.err = acceptor.Guard(func() error { return f.client.play(ctx, f) })
		}()
	}
	err := j.run(ctx)
	cancel(err)
	for _, f := range j.feeds {
		for range f.out { // until it is closed
		}
	}
	return err
}

// run takes packets until both playlists are over, or one fails.
func (j *join) run(ctx context.Context) error {
	for {
		f, err := j.choose(ctx)
		if f == nil || err != nil {
			return err
		}
		if err := j.take(f); err != nil {
			return err
		}
	}
}

// choose returns the playlist whose packet comes first; nil when both are over.
func (j *join) choose(ctx context.Context) (*feed, error) {
	for {
		var ready, awaited *feed
		for _, f := range j.feeds {
			switch {
			case f.over && f.err != nil:
				return nil, f.err
			case f.head != nil && ready != nil:
				return j.first(ready, f), nil
			case f.head != nil:
				ready = f
			case !f.over:
				awaited = f
			}
		}
		switch {
		case awaited == nil:
			return ready, nil
		case ready != nil && (ready.head.packet == nil || awaited.absent):
			if !awaited.receive(j) {
				return ready, nil
			}
		default:
			if err := j.await(ctx, ready); err != nil {
				return nil, err
			}
		}
	}
}

// await waits for packets, not for long if there is one.
func (j *join) await(ctx context.Context, ready *feed) error {
	var from [2]chan event
	for i, f := range j.feeds {
		if f.head == nil && !f.over {
			from[i] = f.out
		}
	}
	var enough <-chan time.Time
	if ready != nil {
		defer j.slip(ready, time.Now())
		t := time.NewTimer(time.Until(j.deadline(ready)))
		defer t.Stop()
		enough = t.C
	}
	select {
	case e, ok := <-from[0]:
		j.feeds[0].came(j, e, ok)
	case e, ok := <-from[1]:
		j.feeds[1].came(j, e, ok)
	case <-enough:
		for i, f := range j.feeds {
			f.absent = from[i] != nil
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// deadline is until when the other playlist is waited for.
func (j *join) deadline(ready *feed) time.Time {
	if !j.begun {
		return ready.since.Add(latestFirst)
	}
	at, known := j.due(ready)
	if !known {
		at = ready.since
	}
	return at.Add(latest)
}

// periodOf returns the period of a packet: of a playlist whose count does not go with that of the other one, it is that of the other.
func (j *join) periodOf(f *feed, e *event) int64 {
	if f.free {
		return j.period
	}
	return e.period
}

// due returns when the packet of a playlist is.
func (j *join) due(f *feed) (at time.Time, known bool) {
	j.pace.Period = j.periodOf(f, f.head)
	return j.pace.Due(f.head.packet.Track.ID, f.head.packet.DTS, time.Now())
}

// slip lets what follows be due later when a packet has waited for the other playlist beyond when it was: that is behind, and would have
// it wait again.
func (j *join) slip(f *feed, from time.Time) {
	waited := time.Since(from)
	if f.head.packet == nil || !j.begun || waited < shortest {
		return
	}
	if at, known := j.due(f); known {
		j.pace.Slip(f.head.packet.Track.ID, f.head.packet.DTS, min(waited, time.Since(at)))
	}
}

// first returns which of two packets comes first.
func (j *join) first(a, b *feed) *feed {
	switch {
	case a.head.packet == nil:
		return a
	case b.head.packet == nil:
		return b
	case a.head.period != b.head.period:
		ahead, behind := a, b
		if a.head.period == j.period || b.head.period != j.period && b.head.period > a.head.period {
			ahead, behind = b, a
		}
		if !ahead.free && time.Since(ahead.since) < latest {
			return behind
		}
		ahead.free = true
	}
	atA, knownA := j.due(a)
	atB, knownB := j.due(b)
	later := atB.Before(atA)
	if !knownA && !knownB {
		later = b.head.packet.DTS < a.head.packet.DTS
	}
	if later {
		return b
	}
	return a
}

// take hands on the packet of a playlist.
func (j *join) take(f *feed) error {
	e := f.head
	f.head = nil
	if e.packet == nil {
		f.tracks = nil
		for _, t := range e.tracks {
			f.tracks = append(f.tracks, f.name(t))
		}
		j.dirty = true
		return nil
	}
	if j.dirty {
		j.dirty = false
		if err := j.pace.SetTracks(slices.Concat(j.feeds[0].tracks, j.feeds[1].tracks)...); err != nil {
			return err
		}
	}
	if e.torn {
		for _, t := range f.tracks {
			j.pace.Forget(t.ID)
		}
	}
	f.free = f.free && e.period != j.period
	if !f.free {
		j.period = e.period
	}
	j.begun, j.pace.Period = true, j.periodOf(f, e)
	j.touch(f)
	err := j.pace.WritePacket(e.packet)
	j.touch(f)
	return err
}

// touch notes that a playlist has media, and that one which has to wait has.
func (j *join) touch(f *feed) {
	for _, x := range j.feeds {
		if x == f || x.head != nil {
			x.client.came.Store(time.Now().UnixNano())
		}
	}
}
