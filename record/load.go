package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

var (
	errSeek  = errors.New("record: the time is beyond the end of the files")
	errSpeed = errors.New("record: the speed is not between 0.1 and 20")
)

const (
	slowest = 0.1
	fastest = 20
)

// showing plays files as one stream for all who watch. One goroutine owns what follows done.
type showing struct {
	recorder *Recorder
	key      media.StreamKey
	pub      *media.Publisher
	source   *source
	orders   chan order
	ctx      context.Context
	cancel   context.CancelFunc
	done     chan struct{}

	held   *media.Packet // read, and not due yet
	speed  float64
	paused bool
	clock  time.Time     // when
	shown  time.Duration // this was the time of the stream,
	played time.Duration // and this of the files
}

// order changes how it is played.
type order struct {
	do   func() error
	done chan<- error
}

// Load begins to play files as a stream, and returns how long they play once. They need not lie where recordings do. It returns
// media.ErrStreamExists, what Publish returns besides, and errors of the files.
func (r *Recorder) Load(ctx context.Context, q LoadRequest) (time.Duration, error) {
	speed := q.Speed
	if speed == 0 {
		speed = 1
	}
	if !(speed >= slowest && speed <= fastest) {
		return 0, errSpeed
	}
	paths, err := expand(q.Paths)
	if err != nil {
		return 0, err
	}
	x, err := newSource(&r.shelf, paths, r.passOver)
	if err != nil {
		return 0, err
	}
	if q.At > 0 {
		if _, err = seek(ctx, x, q.At); err != nil {
			return 0, errors.Join(err, x.Close())
		}
	}
	x.repeat = q.Repeat
	if err := r.show(ctx, q, x, paths[0], speed); err != nil {
		return 0, errors.Join(err, x.Close())
	}
	return x.length, nil
}

// seek seeks, unless that is beyond the end.
func seek(ctx context.Context, x *source, at time.Duration) (time.Duration, error) {
	if at < 0 || at >= x.length {
		return 0, errSeek
	}
	return x.Seek(ctx, at)
}

// show publishes what a source plays.
func (r *Recorder) show(ctx context.Context, q LoadRequest, x *source, path string, speed float64) error {
	pub, err := r.media.Publish(ctx, media.PublishRequest{
		Stream: q.Stream, Schema: "mp4", Origin: hook.OriginMP4VOD, OriginURL: path, Authorized: true, Options: q.Options,
	})
	if err != nil {
		return err
	}
	if err := pub.SetTracks(x.Tracks()...); err != nil { //nolint:contextcheck // what it starts outlives this call
		pub.Close(err)
		return err
	}
	s := &showing{
		recorder: r, key: pub.Stream().Key(), pub: pub, source: x, orders: make(chan order), done: make(chan struct{}), speed: speed,
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		s.cancel()
		pub.Close(ErrClosed)
		return ErrClosed
	}
	r.showings[s.key] = s
	r.running.Go(s.run)
	return nil
}

// run plays until the files end, or the stream does.
func (s *showing) run() {
	defer close(s.done)
	defer s.cancel()
	err := s.guarded()
	if err != nil && !errors.Is(err, io.EOF) && s.ctx.Err() == nil && s.pub.Err() == nil {
		s.recorder.log.Warn("playing files ended", "stream", s.key.String(), "err", err)
	}
	s.recorder.mu.Lock()
	if s.recorder.showings[s.key] == s {
		delete(s.recorder.showings, s.key)
	}
	s.recorder.mu.Unlock()
	s.pub.Close(nil)
	_ = s.source.Close()
}

// guarded is play; what panics there ends this stream alone.
func (s *showing) guarded() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("record: playing panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return s.play()
}

// play writes packets when they are due.
func (s *showing) play() error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if s.held == nil {
			p, err := s.source.ReadPacket(s.ctx)
			if err != nil {
				return err
			}
			s.hold(p)
		}
		var due <-chan time.Time
		if !s.paused {
			timer.Reset(time.Until(s.clock.Add(s.at(s.held.DTS) - s.shown)))
			due = timer.C
		}
		select {
		case <-due:
			if err := s.write(); err != nil {
				return err
			}
		case o := <-s.orders:
			o.done <- o.do()
		case <-s.pub.Done():
			return s.pub.Err()
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
}

// hold takes the next packet. The first, and the first after a seek, is due at once.
func (s *showing) hold(p *media.Packet) {
	if s.clock.IsZero() {
		s.clock, s.played = time.Now(), p.DTS
	}
	s.held = p
}

// at returns the time of the stream at a time of the files.
func (s *showing) at(played time.Duration) time.Duration {
	return s.shown + time.Duration(float64(played-s.played)/s.speed)
}

// write writes the packet that is held. Its stamps are those of who watches: at twice the speed half as far apart.
func (s *showing) write() error {
	p := s.held
	s.held = nil
	dts, pts := s.at(p.DTS), s.at(p.PTS)
	p.DTS, p.PTS = dts, pts
	return s.pub.WritePacket(p)
}

// now sets the clocks to where playback is.
func (s *showing) now() {
	if s.clock.IsZero() || s.paused {
		return
	}
	passed := time.Since(s.clock)
	s.clock = s.clock.Add(passed)
	s.shown += passed
	s.played += time.Duration(float64(passed) * s.speed)
}

// order has the goroutine of a stream carry something out.
func (r *Recorder) order(ctx context.Context, key media.StreamKey, do func(*showing) error) error {
	r.mu.Lock()
	s := r.showings[key.Canonical()]
	r.mu.Unlock()
	if s == nil {
		return media.ErrStreamNotFound
	}
	done := make(chan error, 1)
	select {
	case s.orders <- order{func() error { return do(s) }, done}:
	case <-s.done:
		return media.ErrStreamNotFound
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-done
}

// Pause holds a stream of [Recorder.Load]; SetSpeed goes on. It returns media.ErrStreamNotFound for other streams, as the next two do.
func (r *Recorder) Pause(ctx context.Context, key media.StreamKey) error {
	return r.order(ctx, key, func(s *showing) error {
		s.now()
		s.paused = true
		return nil
	})
}

// SetSpeed plays so much faster than in real time, from 0.1 to 20, also after a Pause.
func (r *Recorder) SetSpeed(ctx context.Context, key media.StreamKey, speed float64) error {
	if !(speed >= slowest && speed <= fastest) {
		return fmt.Errorf("%w: %v", errSpeed, speed)
	}
	return r.order(ctx, key, func(s *showing) error {
		s.now()
		if s.paused {
			s.paused, s.clock = false, time.Now()
		}
		s.speed = speed
		return nil
	})
}

// Seek goes on at the last key frame that is not after a time of the files, for all who watch.
func (r *Recorder) Seek(ctx context.Context, key media.StreamKey, at time.Duration) error {
	return r.order(ctx, key, func(s *showing) error {
		to, err := seek(s.ctx, s.source, at)
		if err != nil {
			return err
		}
		s.now()
		if !s.clock.IsZero() {
			s.clock = time.Now()
		}
		s.held, s.played = nil, to
		return nil
	})
}
