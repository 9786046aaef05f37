package record

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// lateSound is how long after a cut sound is awaited that belongs in front of it: tracks are not exactly side by side.
	lateSound = 3 * time.Second
	// jump is how far the stamps of a stream may step without a new file, unless they step as far always.
	jump = 3 * time.Second
	// retryTime is how long after a failure a new file is tried at the earliest.
	retryTime = time.Second
	// smallest is how large a recording is at least: what is smaller is removed, as the original does.
	smallest = 1024
)

// recording is one stream in one form. What follows done belongs to its goroutine.
type recording struct {
	recorder *Recorder
	stream   *media.Stream
	kind     Kind
	form     container
	place    place
	max      time.Duration // of a file
	clip     *excerpt      // nil for one that goes on
	log      *slog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	done     chan struct{}
	unmark   func()        // takes back that the stream is recorded
	lost     atomic.Uint64 // packets that are in no file though they were to be

	number   int            // of the next file
	tracks   []*media.Track // as the packets last told them
	current  *tape
	previous *tape         // the file before, while sound may still come for it
	cut      time.Duration // where it ends
	widest   time.Duration // the widest step of the stamps, of late
	stale    bool          // the current file does not describe what comes
	retry    time.Time     // when a file may be tried again
	failing  bool          // a failure was told, and not its end
	told     uint64        // of lost
	left     map[media.Codec]bool
	history  history
}

// run records until the stream ends, or it is told to stop.
func (g *recording) run() {
	defer close(g.done)
	defer g.recorder.forget(g)
	r := g.stream.Read()
	if g.clip != nil {
		r.Close()
		r = g.stream.ReadFrom(g.clip.back)
	} else {
		defer g.unmark()
		defer g.asPlayer()()
	}
	defer r.Close()
	batch := make([]*media.Packet, 64)
	skipped := uint64(0)
	for {
		n, err := r.ReadBatch(g.ctx, batch)
		if now := r.Skipped(); now != skipped {
			g.skipped(now-skipped, batch[:n])
			skipped = now
		}
		over := g.record(batch[:n])
		clear(batch[:n])
		if err != nil || over {
			g.closeAll()
			if err != nil && !errors.Is(err, io.EOF) && g.ctx.Err() == nil {
				g.log.Warn("recording ended", "err", err)
			}
			return
		}
	}
}

// skipped notes that the stream no longer had so many packets in front of these.
func (g *recording) skipped(count uint64, next []*media.Packet) {
	if g.clip != nil && g.clip.source != nil && len(next) > 0 {
		return // record has them from the recording
	}
	g.lost.Add(count)
	g.closeAll() // what follows does not follow from it
	g.stale = true
}

// record records packets, and reports whether that was all that is wanted.
func (g *recording) record(packets []*media.Packet) (over bool) {
	if g.clip != nil {
		return g.recordClip(packets)
	}
	for _, p := range packets {
		g.packet(p)
	}
	return false
}

// packet records a packet.
func (g *recording) packet(p *media.Packet) {
	known := g.know(p)
	start := g.starts(p)
	if g.current != nil {
		back, ahead := g.steps(p)
		g.stale = g.stale || !known || !g.current.has(p) || back || start && (ahead || g.late(p))
	}
	if start && (g.current == nil || g.stale || g.clip == nil && p.DTS-g.current.base >= g.max) {
		g.next(p)
	}
	to := g.current
	if g.previous != nil {
		switch {
		case p.DTS >= g.cut+lateSound:
			g.finish(&g.previous)
		case p.DTS < g.cut && !p.Track.Codec.Video() && g.previous.has(p):
			to = g.previous
		}
	}
	switch {
	case !g.form.carries(p.Track):
		return
	case to == nil:
		if g.failing {
			g.lost.Add(1)
		}
		return
	}
	if !to.has(p) || g.stale && to == g.current {
		g.lost.Add(1)
		return
	}
	switch {
	case p.DTS >= to.base:
		g.put(to, p, start)
	case to.number > 0: // sound that is too late for the file before; of the first it is from before the recording
		g.lost.Add(1)
	}
}

// put writes a packet to a file.
func (g *recording) put(to *tape, p *media.Packet, start bool) {
	if err := to.packet(p, start); err != nil {
		g.fail(to.path, err)
		g.abandon(to)
		return
	}
	g.recovered(to)
}

// know takes over the tracks of the packets, and reports whether this one's was known.
func (g *recording) know(p *media.Packet) bool {
	for i, t := range g.tracks {
		if t.ID == p.Track.ID {
			g.tracks[i] = p.Track
			return true
		}
	}
	g.tracks = append([]*media.Track(nil), g.stream.Description().Tracks...)
	for i, t := range g.tracks {
		if t.ID == p.Track.ID {
			g.tracks[i] = p.Track
			return false
		}
	}
	g.tracks = append(g.tracks, p.Track)
	return false
}

// starts reports whether a file can begin with a packet.
func (g *recording) starts(p *media.Packet) bool {
	for _, t := range g.tracks {
		if t.Codec.Video() && g.form.carries(t) {
			return t.ID == p.Track.ID && p.Key
		}
	}
	return g.form.carries(p.Track)
}

// steps reports whether the stamps lead from what the file has to a packet: back reports that they go back, ahead that they go further
// than they have before, as when a publisher comes back. Pictures may be far apart always.
func (g *recording) steps(p *media.Packet) (back, ahead bool) {
	at := p.DTS - g.current.base
	gap := at - g.current.ends
	back, ahead = gap < -jump, gap > max(jump, 3*g.widest)
	if gap > 0 && !back {
		g.widest = max(gap, g.widest/2)
	}
	return back, ahead
}

// next goes on in a new file, which begins with a packet.
func (g *recording) next(p *media.Packet) {
	g.finish(&g.previous)
	if g.stale && g.current != nil {
		g.finish(&g.current)
		if g.clip != nil { // it is one file
			g.clip.torn = true
			return
		}
	}
	if time.Now().Before(g.retry) {
		return
	}
	t, err := g.open(p)
	if err != nil {
		g.finish(&g.current)
		g.fail(g.place.dir(), err)
		return
	}
	if g.current != nil { // a crash from now on costs it nothing but sound that is late
		if err := g.current.cut(); err != nil {
			g.fail(g.current.path, err)
		}
	}
	g.history.add(written{t.final, p.DTS, g.carried(), g.current != nil})
	g.previous, g.current, g.cut, g.stale = g.current, t, p.DTS, false
}

// open makes a file that begins with a packet.
func (g *recording) open(p *media.Packet) (*tape, error) {
	t := &tape{
		note: note{
			kind: g.kind, number: g.number, start: g.wallClock(p.DTS), stream: g.stream.Key(), params: g.stream.Source("").Params,
		},
		form: g.form, base: p.DTS, tracks: map[int]*media.Track{},
	}
	d, err := g.describe()
	if err != nil {
		return nil, err
	}
	for _, track := range d.Tracks {
		t.tracks[track.ID] = track
	}
	t.mux = g.form.chunker(&t.note)
	f, err := g.create(t)
	if err != nil {
		return nil, err
	}
	t.disk = newDisk(f, g.recorder.cfg.Sync, func() { g.stalled(t.path) })
	if err := t.begin(d); err != nil {
		g.discard(t)
		return nil, err
	}
	g.number++
	return t, nil
}

// wallClock returns when a file begins: where the one before ends, if it goes on from that and the clock of the stream is not too far off.
func (g *recording) wallClock(at time.Duration) time.Time {
	now := g.stream.Epoch().Add(at)
	if g.current == nil {
		return now
	}
	follows := g.current.start.Add(at - g.current.base)
	if follows.Sub(now).Abs() > maxDrift {
		return now
	}
	return follows
}

// late reports that a packet is much later by the clock than the file says: the stream was away meanwhile, and its stamps do not tell. A
// clip has what is in the files.
func (g *recording) late(p *media.Packet) bool {
	return g.clip == nil && g.stream.Epoch().Add(p.DTS).Sub(g.current.start.Add(p.DTS-g.current.base)) > jump
}

// maxDrift is how far the clock of a stream may run from that of the system.
const maxDrift = time.Second

// describe returns what is recorded of the stream, as the packets last told it.
func (g *recording) describe() (*media.Description, error) {
	d := *g.stream.Description()
	d.Tracks = g.carried()
	for _, t := range g.tracks {
		if !g.form.carries(t) {
			g.leave(t)
		}
	}
	if len(d.Tracks) == 0 {
		return nil, ErrNothing
	}
	return &d, nil
}

// carried returns the tracks that are recorded.
func (g *recording) carried() (list []*media.Track) {
	for _, t := range g.tracks {
		if g.form.carries(t) {
			list = append(list, t)
		}
	}
	return list
}

// create makes the file of a tape, under a name that is free.
func (g *recording) create(t *tape) (f file, err error) {
	for range maxNumber {
		dir, name := g.place.file(t.start, g.number, g.form.suffix)
		if g.clip != nil {
			dir, name = filepath.Split(g.clip.path)
		}
		if err = os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		t.path, t.final = hidden(dir, name), filepath.Join(dir, name)
		before := g.recorder.hold(t.path)
		f, err = g.recorder.create(t.path)
		if err == nil { // now nobody else gives it its name
			if _, taken := os.Lstat(t.final); taken == nil {
				err = &os.PathError{Op: "create", Path: t.final, Err: os.ErrExist}
				_ = f.Close()
				_ = os.Remove(t.path)
			}
		}
		if err != nil && !before {
			g.recorder.letGo(t.path)
		}
		if errors.Is(err, os.ErrNotExist) {
			continue // the directory was empty, and somebody has removed it meanwhile
		}
		if g.clip != nil || !errors.Is(err, os.ErrExist) {
			return f, err
		}
		g.number++ // a recording of the same second
	}
	return nil, err
}

// maxNumber is how many names of one second are tried.
const maxNumber = 1000

// leave says, once for each codec, that a track is not in the recording.
func (g *recording) leave(t *media.Track) {
	if g.left[t.Codec] {
		return
	}
	g.left[t.Codec] = true
	g.log.Warn("a track is not recorded: the format does not carry its codec", "codec", t.Codec)
}

// finish closes a file, if there is one, and hands it over to be finished.
func (g *recording) finish(t **tape) {
	x := *t
	if x == nil {
		return
	}
	*t = nil
	if err := x.close(); err != nil {
		g.fail(x.path, err)
	}
	g.closed(x)
}

func (g *recording) closeAll() {
	g.finish(&g.previous)
	g.finish(&g.current)
}

// abandon gives up a file that cannot be written any more. What is in it is finished.
func (g *recording) abandon(t *tape) {
	if g.previous == t {
		g.previous = nil
	} else {
		g.current = nil
	}
	g.lost.Add(t.held)
	if !t.saved { // there is nothing to be finished
		g.discard(t)
		return
	}
	_ = t.close() // why it failed was said
	g.closed(t)
}

// discard removes a file that was not begun.
func (g *recording) discard(t *tape) {
	_ = t.disk.file.Close()
	if err := os.Remove(t.path); err == nil {
		removeEmpty(filepath.Dir(t.path), g.place.dir())
	}
	g.recorder.letGo(t.path)
}
