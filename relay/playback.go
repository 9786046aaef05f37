package relay

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// Pause pauses what a pull by RTSP plays, as [rtsp.Control.Pause] does; SetSpeed and Seek go on. The three are for servers that have recordings,
// such as network video recorders: a camera has nothing to go on with, and may refuse. They return [ErrNotFound] of a stream that no pull
// makes, [ErrNoControl] of one that is pulled by another protocol, rtsp.ErrNotPlaying while the pull is away from its server, and the errors of
// rtsp.Control. An attempt after one that was dropped goes on where that was, if it is known how long the recording is, or Seek was used, and at
// PullRequest.Speed; the end of a recording counts as one, so without a Retry.MaxRetries below 0 it is played again, from its beginning. While
// it is paused its Status is Playing still, at 0 bytes a second, and Paused; the next attempt plays.
func (r *Relay) Pause(ctx context.Context, key media.StreamKey) error {
	return r.control(key, func(c *rtsp.Control) error { return c.Pause(ctx) })
}

// Seek goes on at a time since the beginning of the recording, as [rtsp.Control.Seek] does.
func (r *Relay) Seek(ctx context.Context, key media.StreamKey, at time.Duration) error {
	return r.control(key, func(c *rtsp.Control) error { return c.Seek(ctx, at) })
}

// SetSpeed plays so many times as fast as in real time, also after a Pause, as [rtsp.Control.SetSpeed] does.
func (r *Relay) SetSpeed(ctx context.Context, key media.StreamKey, speed float64) error {
	return r.control(key, func(c *rtsp.Control) error { return c.SetSpeed(ctx, speed) })
}

// control calls do with what controls the pull of a stream: the one that plays, if there are several.
func (r *Relay) control(key media.StreamKey, do func(*rtsp.Control) error) error {
	j := r.pullTo(key.Canonical())
	switch {
	case j == nil:
		return ErrNotFound
	case j.control == nil:
		return ErrNoControl
	}
	return do(j.control)
}

// pullTo returns the pull that makes a stream, nil if there is none.
func (r *Relay) pullTo(key media.StreamKey) (found *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.pulls {
		if j.stream == key && (found == nil || j.plays()) {
			found = j
		}
	}
	return found
}
