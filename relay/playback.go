package relay

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Pause is for pulls of recordings. There are none yet: it returns [ErrNotFound].
func (r *Relay) Pause(context.Context, media.StreamKey) error { return ErrNotFound }

// Seek is like Pause.
func (r *Relay) Seek(context.Context, media.StreamKey, time.Duration) error { return ErrNotFound }

// SetSpeed is like Pause.
func (r *Relay) SetSpeed(context.Context, media.StreamKey, float64) error { return ErrNotFound }
