package record

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/internal/segment"
	"github.com/sluice-media/sluice/media"
)

// awaitHour waits until nobody else writes the playlist of the hour at hand, if a request is for one, and is not recorded already. It returns
// ErrInUse if that takes long.
func (r *Recorder) awaitHour(ctx context.Context, st *media.Stream, q Request) error {
	if q.Kind != HLS && q.Kind != HLSFMP4 {
		return nil
	}
	p, err := r.placeOfHLS(st, q)
	if err != nil {
		return err
	}
	dir := filepath.Dir(filepath.Join(p.dir(), segment.Name(time.Now(), 0, "")))
	tick := time.NewTicker(lockWait / 30)
	defer tick.Stop()
	for begun := time.Now(); ; {
		switch {
		case r.records(st, q.Kind) || !isInUse(dir, q.Kind):
			return nil
		case time.Since(begun) >= lockWait:
			return ErrInUse
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// records reports whether it records a stream.
func (r *Recorder) records(st *media.Stream, kind Kind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.recordings[id{st.Key(), kind}]
	return g != nil && g.stream == st
}

// isInUse reports whether somebody writes a playlist of an hour.
func isInUse(dir string, kind Kind) bool {
	playlist, _ := filesOf(kind)
	for n := range maxForeign {
		f, err := lockVOD(filepath.Join(dir, otherName(playlist, n)), false)
		if errors.Is(err, ErrInUse) {
			return true
		}
		if err == nil {
			_ = release(f)
		}
		if n > 0 && err != nil {
			break
		}
	}
	return false
}
