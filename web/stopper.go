package web

import "sync"

// stopper ends a session that is kicked, by whatever means it has at the time.
type stopper struct {
	mu      sync.Mutex
	stop    func()
	stopped bool
}

// kick is the kick function of a media.Session.
func (s *stopper) kick(error) {
	s.mu.Lock()
	stop := s.stop
	s.stopped = true
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// use sets how to stop, and does so if it has been asked for already.
func (s *stopper) use(stop func()) {
	s.mu.Lock()
	s.stop = stop
	stopped := s.stopped
	s.mu.Unlock()
	if stopped {
		stop()
	}
}
