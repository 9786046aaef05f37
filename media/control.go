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

// Private reports whether the player has a [Source] to itself, and how long that is: 0 if it does not say.
func (p *Player) Private() (duration time.Duration, ok bool) {
	if b := p.stream.private; b != nil {
		return b.duration, true
	}
	return 0, false
}

// Seek goes on at the last key frame of the source that is not after at, and returns its DTS. What was not sent yet of
// the place before is left out. A player that is paused stays so. The error is ErrLive for a live stream,
// ErrStreamNotFound when the source has ended, or the source's own.
func (p *Player) Seek(ctx context.Context, at time.Duration) (time.Duration, error) {
	b := p.stream.private
	if b == nil {
		return 0, ErrLive
	}
	var to time.Duration
	err := b.ask(ctx, func(ctx context.Context) (err error) {
		to, err = b.source.Seek(ctx, max(at, 0))
		if err != nil {
			return err
		}
		b.held, b.atEnd, b.last = nil, false, to
		b.jumped = true
		b.restart(to)
		b.flush() // what muxers hold back is of the place before
		b.drop()
		return nil
	})
	return to, err
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
	return b.ask(ctx, func(context.Context) error {
		b.restart(b.position())
		b.speed = factor
		return nil
	})
}

// Position returns the DTS that the source is played at. It lags behind what was sent by up to a second, as a viewer
// does. The errors are those of [Player.Seek].
func (p *Player) Position(ctx context.Context) (time.Duration, error) {
	b := p.stream.private
	if b == nil {
		return 0, ErrLive
	}
	var at time.Duration
	err := b.ask(ctx, func(context.Context) error {
		at = min(b.position(), max(b.last, b.base))
		return nil
	})
	return at, err
}

// pause stops the source and who reads it, or lets them go on.
func (b *playback) pause(on bool) {
	_ = b.ask(b.ctx, func(context.Context) error { // its error says that the player has ended
		if b.paused != on {
			b.restart(b.position())
			b.paused = on
		}
		b.holdAll(on)
		return nil
	})
}

// ask lets the goroutine that owns the source carry out do.
func (b *playback) ask(ctx context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	select {
	case b.commands <- command{do, done}:
	case <-b.ctx.Done():
		return ErrStreamNotFound
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-done
}
