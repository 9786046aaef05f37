package interop

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// sightseen is what a light viewer, which decodes nothing, has got since it last sought.
type sightseen struct {
	mu     sync.Mutex
	frames []string
	came   chan struct{} // has room for one
}

func newSightseen() *sightseen { return &sightseen{came: make(chan struct{}, 1)} }

// add notes a picture.
func (s *sightseen) add(units [][]byte) {
	s.mu.Lock()
	s.frames = append(s.frames, frameHash(units))
	s.mu.Unlock()
	select {
	case s.came <- struct{}{}:
	default: // it was told
	}
}

// begin forgets what was got of the place before.
func (s *sightseen) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = nil
}

func (s *sightseen) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames
}

// await waits for so many pictures.
func (s *sightseen) await(ctx context.Context, n int) error {
	for len(s.list()) < n {
		select {
		case <-s.came:
		case <-ctx.Done():
			return fmt.Errorf("%d pictures of %d: %w", len(s.list()), n, context.Cause(ctx))
		}
	}
	return nil
}

// check says what is wrong with what was got: it is to begin with a picture of the film, and to follow it.
func (s *sightseen) check(f *film, first int) error {
	at, err := findRun(f.frames, s.list())
	if err == nil && at != first {
		err = fmt.Errorf("it begins with picture %d, not %d", at, first)
	}
	return err
}

// milliseconds is a time as RTMP has it.
func milliseconds(seconds float64) float64 {
	return float64(time.Duration(seconds * float64(time.Second)).Milliseconds())
}
