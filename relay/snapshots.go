package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	defaultSnapshotTimeout = 10 * time.Second
	defaultSnapshotRuns    = 2
	// maxSnapshotSide bounds width and height of a snapshot, and maxSnapshots and maxSnapshotBytes what is kept of them.
	maxSnapshotSide  = 4096
	maxSnapshots     = 1000
	maxSnapshotBytes = 64 << 20
	// maxSnapshot bounds a picture, in bytes.
	maxSnapshot = 32 << 20
)

var (
	errSnapshotForm = errors.New("relay: a snapshot is a jpeg, png or webp")
	errSnapshotSize = fmt.Errorf("relay: a snapshot has at most %d pixels in width and height", maxSnapshotSide)
)

// snapshotKey is what tells one picture from another.
type snapshotKey struct {
	url                    string
	width, height, quality int
	format                 string
}

// snapshots are the pictures that have been taken.
type snapshots struct {
	kept  map[snapshotKey]*Snapshot
	bytes int
	taken map[snapshotKey]*taking // those under way
	runs  chan struct{}           // each ffmpeg that runs is one
}

// taking is a picture that is being taken.
type taking struct {
	done chan struct{}
	got  *Snapshot
	err  error
}

// Snapshot returns a picture of a stream: of one of this server ([FFmpegConfig.Local] says which those are) that of the newest key picture,
// which is in memory; of another server's what ffmpeg makes of it. One that was taken within MaxAge does, and so does an older one when a
// new one cannot be had. However many ask for the same, one ffmpeg runs; and no more than Config.SnapshotRuns at once. On
// Linux those for streams of this server give way to whatever else wants the processor, unless the time runs out. Without ffmpeg there are
// pictures of MJPEG streams alone; of others the error says so.
func (r *Relay) Snapshot(ctx context.Context, q SnapshotRequest) (*Snapshot, error) {
	q.Timeout = cmp.Or(max(q.Timeout, 0), defaultSnapshotTimeout)
	q.Format = cmp.Or(q.Format, "jpeg")
	switch {
	case contentTypes()[q.Format] == "":
		return nil, errSnapshotForm
	case q.Width < 0 || q.Height < 0 || q.Width > maxSnapshotSide || q.Height > maxSnapshotSide:
		return nil, errSnapshotSize
	}
	key := snapshotKey{q.URL, q.Width, q.Height, q.Quality, q.Format}
	t, kept, err := r.beginSnapshot(key, q) //nolint:contextcheck // it is for all who ask, and outlives this one
	if err != nil {
		return nil, err
	}
	if t == nil {
		return kept, nil
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if t.err != nil && kept != nil {
		r.log.Info("an older snapshot has to do", "err", t.err)
		return kept, nil
	}
	return t.got, t.err
}

func contentTypes() map[string]string {
	return map[string]string{"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
}

// beginSnapshot returns the newest picture, nil if there is none, and unless that does the taking of a new one.
func (r *Relay) beginSnapshot(key snapshotKey, q SnapshotRequest) (*taking, *Snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.snapshots.kept[key]
	switch {
	case r.closed:
		return nil, nil, ErrClosed
	case kept != nil && q.MaxAge > 0 && time.Since(kept.Taken) <= q.MaxAge:
		return nil, kept, nil
	}
	t := r.snapshots.taken[key]
	if t == nil {
		if len(r.snapshots.taken) >= maxSnapshots {
			return nil, nil, ErrTooMany
		}
		t = &taking{done: make(chan struct{})}
		r.snapshots.taken[key] = t
		r.running.Go(func() { r.take(key, q, t) })
	}
	return t, kept, nil
}

// take takes a picture, and keeps it.
func (r *Relay) take(key snapshotKey, q SnapshotRequest, t *taking) {
	ctx, cancel := context.WithTimeoutCause(r.life, q.Timeout, errNoSnapshot)
	defer cancel()
	t.got, t.err = r.picture(ctx, &q)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.snapshots.taken, key)
	if t.err == nil {
		r.snapshots.keep(key, t.got)
	}
	close(t.done)
}

var errNoSnapshot = errors.New("relay: no picture came in time")

// keep keeps a picture, and lets go of the oldest where there are too many.
func (s *snapshots) keep(key snapshotKey, x *Snapshot) {
	s.drop(key)
	s.kept[key] = x
	s.bytes += len(x.Data)
	for len(s.kept) > 1 && (len(s.kept) > maxSnapshots || s.bytes > maxSnapshotBytes) {
		oldest := key
		for k, other := range s.kept {
			if other.Taken.Before(s.kept[oldest].Taken) {
				oldest = k
			}
		}
		s.drop(oldest)
	}
}

func (s *snapshots) drop(key snapshotKey) {
	if x := s.kept[key]; x != nil {
		s.bytes -= len(x.Data)
		delete(s.kept, key)
	}
}

// DeleteSnapshots lets go of the pictures that are kept of a stream of this server. There is one of each kind, and name is not looked at.
func (r *Relay) DeleteSnapshots(_ context.Context, key media.StreamKey, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.snapshots.kept {
		if here, ok := r.local(k.url); ok && here == key.Canonical() {
			r.snapshots.drop(k)
		}
	}
	return nil
}
