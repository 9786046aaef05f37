package media

import "github.com/sluice-media/sluice/media/internal/fanout"

// ErrBusy is what a [ChunkSink] answers when it can take nothing now.
var ErrBusy = fanout.ErrBusy

// SinkBatch is what some sinks have taken and not sent yet.
type SinkBatch = interface{ Flush() }

// ChunkSink takes chunks without ever waiting, such as a datagram socket. It is called by one goroutine at a
// time, often by one that serves many other players too. With them it can share system calls: it may leave chunks in a
// batch, which is flushed when each sink had its turn. A sink that panics is logged and ends its player alone; where a
// batch of many does, each goes on at the next key frame with a batch of its own.
type ChunkSink interface {
	// Queue takes the data of chunks, or the header of a format: all that waits. batch is what a sink of the same
	// type has returned before, or nil. What Queue returns is flushed before Result is called; it is nil if nothing
	// has to be. The sink may keep the chunks until then.
	Queue(batch SinkBatch, chunks [][]byte) SinkBatch
	// Result returns how many of the chunks were sent, and their bytes. After ErrBusy the player goes on at the next
	// key frame; any other error ends it.
	Result() (chunks, bytes int, err error)
}

// SinkOptions of [Player.FeedSink].
type SinkOptions struct {
	// Begin, if it is not nil, gets the first chunk that will be sent, or nil if there is none yet. It is called
	// before anything is sent and before FeedSink returns. If it panics, FeedSink fails.
	Begin func(first *Chunk)
	// OnEnd is called once, on a goroutine of its own, when the feed ends by itself: with io.EOF when the stream
	// has ended, or with the error of the sink. It is not called after Close.
	OnEnd func(err error)
	// CatchUp is that of [FeedOptions].
	CatchUp float64
}

// SinkFeed is a sink in the hands of the fan-out engine.
type SinkFeed struct {
	player  *Player
	feed    *fanout.SinkFeed
	release func()
}

// FeedSink lets the fan-out engine give the stream in format f to sink, chunk by chunk, from the newest key
// frame on. A [Source] is not read a second ahead for it: datagrams that come at once are lost.
func (p *Player) FeedSink(sink ChunkSink, f *Format, o SinkOptions) (*SinkFeed, error) {
	if p.server.isClosing() {
		return nil, ErrServerClosed
	}
	out := p.stream.open(f)
	gate := p.stream.private.newGate()
	held := &holding{player: p}
	release := held.with(p.releasing(out, gate))
	cfg := fanout.SinkConfig{
		Sent: &p.session.sent, Skipped: &p.session.skipped, OnEnd: p.onFeedEnd(release, o.OnEnd),
		Gate: gate, CatchUp: o.CatchUp,
	}
	var begin func(first *fanout.Item)
	if o.Begin != nil {
		begin = func(first *fanout.Item) { o.Begin(firstChunk(first)) }
	}
	inner, err := p.server.engine.NewSinkFeed(sink, out.log, out.group, cfg, begin)
	if err != nil {
		release()
		return nil, p.panicked(err)
	}
	feed := &SinkFeed{player: p, feed: inner, release: release}
	p.stream.private.begin(reined{gate, out.log, inner}, 0)
	held.keep(feed.Close)
	return feed, nil
}

// Pause is that of [Feed].
func (f *SinkFeed) Pause(on bool) {
	if b := f.player.stream.private; b != nil {
		b.pause(on)
		return
	}
	f.feed.Pause(on)
}

// Close ends the feed: when it returns, the sink is not called any more. It may be called more than once.
func (f *SinkFeed) Close() {
	f.feed.Close()
	f.release()
}
