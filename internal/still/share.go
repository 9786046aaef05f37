package still

import (
	"sync"

	"github.com/sluice-media/sluice/media"
)

// Sharing makes MP4s of pictures that are in memory once, however many peers are sent the same at a time and however slowly they read. The
// zero value is ready; its methods may be called from any goroutine.
type Sharing struct {
	mu   sync.Mutex
	made map[*media.Packet]*shared
}

// shared is the MP4 of a picture.
type shared struct {
	users int // guarded by Sharing.mu
	once  sync.Once
	data  []byte
	err   error
}

// MP4 is as the function of that name. Nobody may write to what it returns, and done is to be called once when that is not needed any more.
func (s *Sharing) MP4(p *media.Packet) (data []byte, done func(), err error) {
	x := s.take(p)
	done = func() { s.giveBack(p, x) }
	x.once.Do(func() { x.data, x.err = MP4(p) })
	if x.err != nil {
		done()
		return nil, func() {}, x.err
	}
	return x.data, done, nil
}

func (s *Sharing) take(p *media.Packet) *shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.made[p]
	if x == nil {
		if s.made == nil {
			s.made = map[*media.Packet]*shared{}
		}
		x = &shared{}
		s.made[p] = x
	}
	x.users++
	return x
}

func (s *Sharing) giveBack(p *media.Packet, x *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.users--; x.users == 0 {
		delete(s.made, p)
	}
}
