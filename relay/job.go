package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// attempt moves media until it ends, and says why. It calls playing once, when media moves.
type attempt func(ctx context.Context, playing func(*media.Session)) error

// job is a pull or a push. It has a goroutine from begin to its end.
type job struct {
	key    string
	stream media.StreamKey
	url    string // without its password
	retry  Retry
	try    attempt

	control *rtsp.Control // of a pull by RTSP; nil of others
	absent  func() bool   // a pull waits for what this server itself does not have; nil if it is none

	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}
	first  chan error // how the first attempt has ended, or nil when media moved

	mu      sync.Mutex
	state   State
	err     error
	since   time.Time // it plays
	retries int
	told    bool // first has got its answer
	traffic meter
	made    *media.Stream // by the newest session that published one, and which that was
	by      string
}

// newJob returns a job that begin can run. Its context is that of the relay.
func (r *Relay) newJob(kind, key string, stream media.StreamKey, url string, retry Retry, try attempt) *job {
	j := &job{
		key: key, stream: stream, url: redact.URL(url), retry: retry.withDefaults(), try: try,
		done: make(chan struct{}), first: make(chan error, 1),
		log: r.log.With("relay", kind, "stream", stream.String(), "url", redact.URL(url)),
	}
	j.ctx, j.cancel = context.WithCancelCause(r.life)
	return j
}

// await returns when the first attempt has ended, with its error, or when media moves. A job that is to go on whatever comes of it has
// none. When ctx ends first the job does, too, unless it is to go on.
func (j *job) await(ctx context.Context) error {
	var err error
	select {
	case err = <-j.first:
	case <-ctx.Done():
		if err = context.Cause(ctx); !j.retry.Force {
			j.cancel(err)
			<-j.done
		}
		return err
	}
	if err != nil && !j.retry.Force {
		<-j.done // its key is free again
		return err
	}
	return nil
}

// run tries until it is told to stop, or there is no sense in more.
func (j *job) run() {
	defer j.cancel(nil)
	defer j.leave()
	for failures := 0; ; {
		works, err := j.once()
		if j.ctx.Err() != nil {
			j.tell(context.Cause(j.ctx))
			return
		}
		if works {
			failures = 0
		}
		failures++
		first := j.tell(err)
		switch {
		case first && !j.retry.Force: // who has asked for it is told, and of viewers of an edge there may be many a second
			j.log.Debug("relay has not begun", "err", err)
			return
		case forGood(err) || j.retry.exhausted(failures):
			j.log.Warn("relay ended", "err", err)
			return
		}
		delay := j.retry.delay(failures)
		j.log.Warn("relay is tried again", "err", err, "after", delay.Round(time.Millisecond))
		if !j.wait(delay) {
			return
		}
	}
}

// leave ends the stream that waits for its source: nobody tries for it any more. One that somebody else publishes by now is his.
func (j *job) leave() {
	if j.made != nil && j.made.Source("").OriginSession.ID == j.by {
		j.made.Kick(ErrRemoved)
	}
}

// forGood reports whether an attempt has ended because somebody here wants that.
func forGood(err error) bool {
	return errors.Is(err, media.ErrKicked) || errors.Is(err, media.ErrNoReader) || errors.Is(err, media.ErrServerClosed)
}

// once makes an attempt, and reports whether it has worked for a while.
func (j *job) once() (works bool, err error) {
	ctx, cancel := context.WithCancelCause(j.ctx)
	defer cancel(nil)
	late := time.AfterFunc(j.retry.Timeout, func() { cancel(j.late()) })
	defer late.Stop()
	j.set(Connecting)
	var played atomic.Pointer[trial]
	err = j.try(ctx, func(x *media.Session) {
		if !late.Stop() {
			return
		}
		j.begins(x)
		played.Store(newTrial(x))
		j.log.Info("relay plays")
	})
	j.ends(err)
	return played.Load().end(), err
}

// late is why nothing has come in time.
func (j *job) late() error {
	if j.absent != nil && j.absent() {
		return errAbsent
	}
	return errTimeout
}

// begins notes that media moves.
func (j *job) begins(x *media.Session) {
	j.mu.Lock()
	j.state, j.since, j.err = Playing, time.Now(), nil
	j.traffic.follow(x)
	if x != nil && x.Publisher() != nil {
		j.made, j.by = x.Publisher().Stream(), x.Info().ID
	}
	j.mu.Unlock()
	j.tell(nil)
}

// ends notes that an attempt has ended.
func (j *job) ends(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == Playing {
		j.state = Dropped
	} else {
		j.state = Failed
	}
	j.err = err
	j.traffic.end()
}

func (j *job) set(s State) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state = s
}

// tell answers who has begun the job, if that was not done, and reports whether it was not.
func (j *job) tell(err error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.told {
		return false
	}
	j.told = true
	j.first <- err
	return true
}

// wait waits until it is time for another attempt, and reports whether there is one.
func (j *job) wait(delay time.Duration) bool {
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-j.ctx.Done():
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retries++
	return true
}

func (j *job) plays() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state == Playing
}

func (j *job) status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Status{Key: j.key, Stream: j.stream, URL: j.url, State: j.state, Err: j.err, Retries: j.retries}
	s.BytesPerSecond, s.TotalBytes = j.traffic.now()
	if j.state == Playing {
		s.Paused = j.control != nil && j.control.Paused()
		s.Alive = time.Since(j.since)
	}
	return s
}
