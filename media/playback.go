package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lead is how far ahead of the clock a source is read, so that a viewer begins at once and stays smooth. Datagrams get
	// none, since a second at once is more than the buffer of many a socket.
	lead = time.Second
	// window is how many bytes of a source are written before the viewer must have taken all of them.
	window = 1 << 20
	// apiece is what a packet takes of the window besides its bytes: a log holds so many packets only, however small.
	apiece = 2 * window / maxLogItems
)

// playback reads a source for one player into a stream of its own, which is in no table: so muxers, fan-out and
// protocols treat it as any other. One goroutine owns the source; what the player wants reaches it as commands.
type playback struct {
	stream   *Stream
	source   Source
	duration time.Duration
	ctx      context.Context // ends with the player
	cancel   context.CancelCauseFunc
	commands chan command
	attached chan struct{} // closed when the player reads
	attach   sync.Once
	ahead    time.Duration // of the clock the source is read so far; set when the player reads
	wake     chan struct{} // a reader has come, come further or left, or the player wants to pause or to go on
	wanted   atomic.Bool   // the player has paused

	mu      sync.Mutex // guards readers
	readers []reined

	// What follows belongs to the goroutine that owns the source.
	started bool // the clock runs
	paused  bool // the player has, or nobody reads
	speed   float64
	from    time.Time     // the clock when
	base    time.Duration // this was the DTS
	held    *Packet       // read, and not due yet
	last    time.Duration // DTS of the newest packet that was written
	atEnd   bool          // the source has no more
	failed  error         // of the source, which has none either
	written int           // of the window since the player had taken everything
	jumped  bool          // the next packet is the first, or the first after a seek
}

// command changes how a source is played. It is carried out between two packets.
type command struct {
	do   func(ctx context.Context) (time.Duration, error)
	done chan<- outcome // has room for it: who has asked may have given up
}

// outcome is what became of a command: the time that it asked for, if any.
type outcome struct {
	at  time.Duration
	err error
}

// newPlayback prepares src to be played. It closes it on an error.
func (s *Server) newPlayback(src Source, r PlayRequest) (*playback, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	b := &playback{
		stream: newStream(s, r.Stream, s.config().Options), source: src, ctx: ctx, cancel: cancel, speed: 1, jumped: true,
		commands: make(chan command), attached: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	b.stream.private = b
	err := b.describe()
	if err == nil && !s.serves(b.stream, r.Schema) {
		err = ErrStreamNotFound
	}
	if err != nil {
		cancel(nil)
		return nil, errors.Join(err, closeSource(src))
	}
	return b, nil
}

// playPrivately gives p the stream that b makes.
func (s *Server) playPrivately(p *Player, b *playback) error {
	joined := b.stream.join(p)
	if joined && s.spawn(b.serve) {
		return nil
	}
	if joined {
		b.stream.leave(p)
	}
	s.asker.running.Go(b.discard) // it may take its time
	return ErrServerClosed
}

// discard gives up what was not played; nil is nothing.
func (b *playback) discard() {
	if b != nil {
		b.cancel(nil)
		b.close()
	}
}

// close closes the source.
func (b *playback) close() {
	if err := closeSource(b.source); err != nil {
		b.stream.server.log.Warn("source failed to close", "stream", b.stream.key.String(), "err", err)
	}
}

func closeSource(src Source) error {
	return guard("source", func() error { return src.Close() })
}

// guard turns a panic of the host's code into an error.
func guard(what string, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("media: %s panicked: %v\n%s", what, r, debug.Stack())
		}
	}()
	return fn()
}

// describe takes over what the source says of itself.
func (b *playback) describe() error {
	return guard("source", func() error {
		tracks := b.source.Tracks()
		if err := checkTracks(tracks); err != nil {
			return err
		}
		if len(tracks) > maxTracks {
			return fmt.Errorf("%w: a source has %d", ErrBadTracks, len(tracks))
		}
		b.duration = max(b.source.Duration(), 0)
		b.stream.mu.Lock()
		defer b.stream.mu.Unlock()
		b.stream.describe(func(d *Description) {
			d.Tracks, d.Epoch = append(d.Tracks, tracks...), time.Now()
			if b.duration > 0 {
				d.Metadata = map[string]any{"duration": b.duration.Seconds()}
			}
		})
		close(b.stream.known)
		return nil
	})
}

// serve plays the source to its end, the player's or the server's.
func (b *playback) serve() {
	defer context.AfterFunc(b.stream.server.decision, func() { b.cancel(ErrServerClosed) })()
	err := guard("source", b.play)
	if b.ctx.Err() == nil && !errors.Is(err, io.EOF) {
		b.stream.server.log.Warn("source failed", "stream", b.stream.key.String(), "err", err)
	}
	b.stream.endIf(err, func() bool { return true })
	b.cancel(err)
	b.close()
}

// play reads and writes packets when they are due. It returns io.EOF at the end of the source.
func (b *playback) play() error {
	for !b.begun() {
		if err := b.await(b.attached, nil); err != nil {
			return err
		}
	}
	for {
		if err := b.next(); err != nil {
			return err
		}
		if !b.started && b.held != nil {
			b.started = true
			b.restart(b.held.DTS)
		}
		if err := b.due(); err != nil {
			return err
		}
		switch {
		case b.held != nil:
			b.write(b.held)
			b.held = nil
		case b.atEnd:
			return io.EOF
		}
	}
}

func (b *playback) begun() bool {
	select {
	case <-b.attached:
		return true
	default:
		return false
	}
}

// next reads a packet, unless one is held.
func (b *playback) next() error {
	if b.held != nil || b.atEnd || b.failed != nil {
		return b.failed
	}
	pkt, err := b.source.ReadPacket(b.ctx)
	switch {
	case errors.Is(err, io.EOF):
		b.atEnd = true
		return nil
	case err == nil && pkt == nil:
		err = errors.New("media: the source returned no packet")
	}
	b.held, b.failed = pkt, err
	return err
}

// beginning is the DTS of the first packet, which is read for it: who plays finds it, or why it failed.
func (b *playback) beginning() time.Duration {
	if b.next() == nil && b.held != nil {
		return b.held.DTS
	}
	return b.base
}

// restart sets the clock: dts is now.
func (b *playback) restart(dts time.Duration) { b.from, b.base = time.Now(), dts }

// position is the DTS that the clock has come to.
func (b *playback) position() time.Duration {
	if b.paused || b.from.IsZero() {
		return b.base
	}
	return b.base + time.Duration(float64(time.Since(b.from))*b.speed)
}

// due waits until the packet held is to be written, or the end is to be told. A seek ends the wait: there is neither
// then.
func (b *playback) due() error {
	for b.held != nil || b.atEnd {
		b.obey()
		early := b.early()
		var timer <-chan time.Time
		switch {
		case b.paused || !b.room():
		case early <= 0:
			return b.look()
		default:
			timer = time.After(early)
		}
		if err := b.await(nil, timer); err != nil {
			return err
		}
	}
	return nil
}

// look notices the end of the player, and carries out a command, without waiting: a source may be behind the clock always.
func (b *playback) look() error {
	select {
	case c := <-b.commands:
		b.carryOut(c)
	default:
	}
	return context.Cause(b.ctx)
}

// early is how long it takes until the packet held, or the end, is due.
func (b *playback) early() time.Duration {
	at, ahead := b.last, time.Duration(0)
	if b.held != nil {
		at, ahead = b.held.DTS, b.ahead
	}
	return time.Duration(float64(at-b.position())/b.speed) - ahead
}

// room reports whether there is room for a packet. If not, wake tells when to look again.
func (b *playback) room() bool {
	if b.written >= window && b.passed() {
		b.written = 0
	}
	return b.written < window
}

// await waits for one of the two, and carries out a command that comes meanwhile.
func (b *playback) await(ready <-chan struct{}, timer <-chan time.Time) error {
	select {
	case <-b.ctx.Done():
		return context.Cause(b.ctx)
	case c := <-b.commands:
		b.carryOut(c)
	case <-ready:
	case <-b.wake:
	case <-timer:
	}
	b.obey()
	return nil
}

// carryOut carries out a command.
func (b *playback) carryOut(c command) {
	b.obey()
	var o outcome
	o.err = guard("source", func() (err error) {
		o.at, err = c.do(b.ctx)
		return err
	})
	c.done <- o
}

// obey pauses, or goes on, as the player wants. While nobody reads there is nobody to play for.
func (b *playback) obey() {
	if on := b.wanted.Load() || b.unread(); on != b.paused {
		b.restart(b.position())
		b.paused = on
		if !on {
			b.reset()
		}
	}
}

// write gives a packet to the player. The first of all, and the first after a seek, is a start whatever it is: the key
// frame may follow an audio frame.
func (b *playback) write(pkt *Packet) {
	st := b.stream
	pkt.SourceDTS, pkt.SourcePTS = pkt.DTS, pkt.PTS
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended || pkt.Track == nil || len(pkt.Data) == 0 || st.recognise(pkt.Track) != nil {
		return
	}
	start := st.isStart(pkt)
	if b.jumped {
		st.lastStart, b.jumped, start = pkt.DTS, false, true
	}
	b.keep()
	st.putAt(pkt, start)
	b.last = pkt.DTS
	b.written += len(pkt.Data) + apiece
}
