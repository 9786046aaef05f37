package record

import (
	"os"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/mp4"
)

// shelf has the files that are being played: all who play one share its index.
type shelf struct {
	mu    sync.Mutex
	books map[bookKey]*book
}

// bookKey names a file as it is: one that was written anew is another.
type bookKey struct {
	path     string
	size     int64
	modified time.Time
}

// book is a file that is open.
type book struct {
	*mp4.File
	key   bookKey
	from  *os.File
	users int           // guarded by the shelf
	ready chan struct{} // closed when the index is there, or err
	err   error
}

// take opens a file, or shares it with who has it open. It is to be given back.
func (s *shelf) take(path string) (*book, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	key := bookKey{path, info.Size(), info.ModTime()}
	s.mu.Lock()
	b := s.books[key]
	if b != nil {
		b.users++
		s.mu.Unlock()
		<-b.ready
		if b.err != nil {
			s.giveBack(b)
			return nil, b.err
		}
		return b, nil
	}
	b = &book{key: key, users: 1, ready: make(chan struct{})}
	s.books[key] = b
	s.mu.Unlock()
	b.err = b.open()
	close(b.ready)
	if b.err != nil {
		s.giveBack(b)
		return nil, b.err
	}
	return b, nil
}

func (b *book) open() (err error) {
	if b.from, err = os.Open(b.key.path); err != nil {
		return err
	}
	b.File, err = mp4.Open(b.from, b.key.size)
	return err
}

// giveBack closes a file that nobody plays any more.
func (s *shelf) giveBack(b *book) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.users--; b.users > 0 {
		return
	}
	delete(s.books, b.key)
	if b.from != nil {
		_ = b.from.Close() // it was only read
	}
}

// has reports whether a file is being played.
func (s *shelf) has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.books {
		if key.path == path {
			return true
		}
	}
	return false
}
