package media

import (
	"errors"
	"net"
	"time"

	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/media/internal/fanout"
)

// SlowPolicy says what becomes of a player that has fallen out of the log.
type SlowPolicy int

const (
	// Skip goes on at the newest key frame.
	Skip SlowPolicy = iota
	// Disconnect ends the player with ErrTooSlow.
	Disconnect
)

// FeedOptions of [Player.Feed].
type FeedOptions struct {
	// Prelude is written before the header of the format.
	Prelude []byte
	// Begin, if it is not nil, returns more to write after the prelude. It gets the first chunk that will be
	// written, or nil if there is none yet, and is called before Feed returns. If it panics, Feed fails.
	Begin func(first *Chunk) []byte
	// OnEnd is called once, on a goroutine of its own, when the feed ends by itself: with io.EOF after the
	// last byte when the stream has ended, ErrStalled, ErrTooSlow or the error of a write. It is not called
	// after Close or Finish.
	OnEnd func(err error)
	// Policy for a peer that reads too slowly.
	Policy SlowPolicy
	// CatchUp, if it is more than 1, is how many times as fast as it was made the player gets what there is since the
	// newest key frame, until it has caught up: for peers that take a burst for a fast clock.
	CatchUp float64
}

// Feed is a player's connection in the hands of the fan-out engine.
type Feed struct {
	feed    *fanout.Feed
	player  *Player
	release func()
}

// Feed lets the fan-out engine write the stream in format f to conn: the prelude, the header, what there is
// since the newest key frame at once, and then whatever comes, with everything that waits in one system call.
// Connections other than plain TCP and Unix sockets get a goroutine and ordinary writes. The caller keeps the
// read side, writes to conn only through Insert, and closes conn itself, after Close or OnEnd. A panic of conn, or of
// what o calls, is logged and ends the player alone.
func (p *Player) Feed(conn net.Conn, f *Format, o FeedOptions) (*Feed, error) {
	if p.server.isClosing() {
		return nil, ErrServerClosed
	}
	out := p.stream.open(f)
	gate := p.stream.private.newGate()
	held := &holding{player: p}
	release := held.with(p.releasing(out, gate))
	cfg := fanout.FeedConfig{
		Prelude: o.Prelude, Sent: &p.session.sent, Skipped: &p.session.skipped,
		StallTimeout: max(p.server.config().StallTimeout, 0), Disconnect: o.Policy == Disconnect,
		OnEnd: p.onFeedEnd(release, o.OnEnd), Gate: gate, CatchUp: o.CatchUp,
	}
	if o.Begin != nil {
		cfg.Begin = func(first *fanout.Item) []byte { return o.Begin(firstChunk(first)) }
	}
	inner, err := p.server.engine.NewFeed(connlimit.Socket(conn), out.log, out.group, cfg)
	if err != nil {
		release()
		return nil, p.panicked(err)
	}
	feed := &Feed{feed: inner, player: p, release: release}
	p.stream.private.begin(reined{gate, out.log, inner}, lead)
	held.keep(feed.Close)
	return feed, nil
}

// onFeedEnd returns what is to be called when a feed has ended by itself. After a panic, its own or that of what it
// calls, it closes the player.
func (p *Player) onFeedEnd(release func(), onEnd func(error)) func(error) {
	return func(err error) {
		release()
		err = p.panicked(feedError(err))
		if onEnd != nil {
			if failed := p.panicked(call(onEnd, err)); failed != nil {
				err = failed
			}
		}
		if errors.Is(err, errPanic) {
			p.Close(err)
		}
	}
}

// firstChunk is the chunk of the item a reader begins with.
func firstChunk(it *fanout.Item) *Chunk {
	if it == nil {
		return nil
	}
	c := &Chunk{Key: it.Intro != nil, DTS: it.DTS, Duration: it.Duration, Data: it.Data()}
	if it.Intro != nil {
		c.Header = it.Intro.Header
	}
	return c
}

// Insert writes b between two chunks: a reply of the protocol's own. It does not keep b and does not wait.
// A peer for which more than 64 KiB wait is cut.
func (f *Feed) Insert(b []byte) { f.feed.Insert(b) }

// Pause stops the feed after the chunk under way, or lets it go on: at the newest key frame of a live stream, and where
// it stopped of a [Source], which stops with it.
func (f *Feed) Pause(on bool) {
	if b := f.player.stream.private; b != nil {
		b.pause(on)
		return
	}
	f.feed.Pause(on)
}

// Finish takes the connection back in order: the chunk under way goes out whole, then what was inserted. It waits for
// a peer that does not read as long as within says. When it returns nil, the engine has let go between two chunks, and
// more may be written; else it is ErrStalled, and as after Close.
func (f *Feed) Finish(within time.Duration) error {
	whole, err := f.feed.Finish(within)
	err = f.player.panicked(err)
	f.release()
	if err == nil && !whole {
		return ErrStalled
	}
	return err
}

// Close takes the connection back, maybe within a chunk: when it returns, the engine does not write to it any more. It may be
// called more than once.
func (f *Feed) Close() {
	_ = f.player.panicked(f.feed.Close())
	f.release()
}

// feedError gives the engine's errors the names of this package.
func feedError(err error) error {
	switch {
	case errors.Is(err, fanout.ErrStalled):
		return ErrStalled
	case errors.Is(err, fanout.ErrBehind), errors.Is(err, fanout.ErrInserts):
		return ErrTooSlow
	}
	return err
}
