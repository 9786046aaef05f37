package media

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLive is what a player of a live stream answers to what only a [Source] can do. A live stream can be paused only.
var ErrLive = errors.New("media: a live stream can be neither sought nor sped up")

// maxSpeed is the fastest, and its inverse the slowest, that a source is played.
const maxSpeed = 32

// endRounding is how far behind the end a seek may lead: viewers are told the end in milliseconds.
const endRounding = time.Millisecond

// Private reports whether the player has a [Source] to itself, and how long that is: 0 if it does not say.
func (p *Player) Private() (duration time.Duration, ok bool) {
	if b := p.stream.private; b != nil {
		return b.duration, true
	}
	return 0, false
}

// Seek goes on at the last key frame of the source that is not after at, and returns its DTS. What was not sent yet of
// the place before is left out. A player that is paused stays so. The error is ErrLive for a live stream, ErrBeyondEnd for
// a time behind the end, ErrStreamNotFound when the source or the player's session has ended, what ended ctx, or the source's
// own; the player goes on where it was then.
func (p *Player) Seek(ctx context.Context, at time.Duration) (time.Duration, error) {
	b := p.stream.private
	if b == nil {
		return 0, ErrLive
	}
	if b.duration > 0 && at >= b.duration+endRounding {
		return 0, ErrBeyondEnd
	}
	return p.ask(ctx, func(ctx context.Context) (time.Duration, error) {
		to, err := b.source.Seek(ctx, max(at, 0))
		if err != nil {
			return 0, err
		}
		b.held, b.atEnd, b.last = nil, false, to
		b.jumped = true
		b.restart(to)
		b.drop()
		return to, nil
	})
}

// SetSpeed plays the source factor times as fast, from 1/32 to 32. Packets keep their stamps. The errors are those of
// [Player.Seek].
func (p *Player) SetSpeed(ctx context.Context, factor float64) error {
	b := p.stream.private
	if b == nil {
		return ErrLive
	}
	if !(factor >= 1./maxSpeed && factor <= maxSpeed) { // not the negation: NaN
		return fmt.Errorf("media: a speed of %v", factor)
	}
	_, err := p.ask(ctx, func(context.Context) (time.Duration, error) {
		b.restart(b.position())
		b.speed = factor
		b.reset()
		return 0, nil
	})
	return err
}

// Position returns the DTS that the source is played at. It lags behind what was sent by up to a second, as a viewer
// does. Before anything was sent it is that of the first packet, which is read for it. The errors are those of
// [Player.Seek].
func (p *Player) Position(ctx context.Context) (time.Duration, error) {
	b := p.stream.private
	if b == nil {
		return 0, ErrLive
	}
	return p.ask(ctx, func(context.Context) (time.Duration, error) {
		if !b.started {
			return b.beginning(), nil
		}
		return min(b.position(), max(b.last, b.base)), nil
	})
}

// pause stops who reads the source at once, and the source as soon as it can be told; or lets them go on.
func (b *playback) pause(on bool) {
	b.wanted.Store(on)
	b.holdAll(on)
	b.rouse()
}

// rouse lets the goroutine that owns the source look what has become of its readers.
func (b *playback) rouse() {
	select {
	case b.wake <- struct{}{}:
	default: // it will look
	}
}

// ask lets the goroutine that owns the source carry out do. It does not wait for a source that hangs longer than ctx, nor
// than the player is wanted.
func (p *Player) ask(ctx context.Context, do func(context.Context) (time.Duration, error)) (time.Duration, error) {
	b, done := p.stream.private, make(chan outcome, 1)
	commands := b.commands
	for {
		select {
		case commands <- command{do, done}:
			commands = nil
		case o := <-done:
			return o.at, o.err
		case <-b.ctx.Done():
			return 0, ErrStreamNotFound
		case <-p.Done():
			return 0, ErrStreamNotFound
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}
