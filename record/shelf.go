package record

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/mp4"
)

const (
	// keepBooks is how many files stay open that nobody reads any more, and keepTime for how long: who plays a file by HLS comes again.
	keepBooks = 8
	keepTime  = 10 * time.Second
)

// shelf has the files that are being played: all who play one share its index.
type shelf struct {
	mu    sync.Mutex
	books map[bookKey]*book
	idle  []*book // of those, whom nobody reads; the one that has been for longest comes first
	tidy  *time.Timer
	// closed says that nothing is kept any more.
	closed bool
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

// find returns the file of a path. While one is being written, and until it is finished, it has another name.
func find(path string) (key bookKey, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		path = hidden(filepath.Split(path))
		info, err = os.Stat(path)
	}
	if err != nil {
		return bookKey{}, err
	}
	return bookKey{path, info.Size(), info.ModTime()}, nil
}

// take opens a file, or shares it with who has it open. It is to be given back.
func (s *shelf) take(path string) (*book, error) {
	key, err := find(path)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	b := s.books[key]
	if b != nil {
		b.users++
		s.idle = slices.DeleteFunc(s.idle, func(other *book) bool { return other == b })
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

// begins returns when the first packet of a file was to be decoded, if it says so.
func (b *book) begins(otherwise time.Time) time.Time {
	if n, ok := parseNote(b.UUID([16]byte([]byte(noteID)))); ok {
		return n.start
	}
	return otherwise
}

// giveBack ends what take has begun.
func (s *shelf) giveBack(b *book) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.users--; b.users > 0 {
		return
	}
	if s.closed || b.err != nil {
		s.drop(b)
		return
	}
	s.idle = append(s.idle, b)
	if len(s.idle) > keepBooks {
		s.drop(s.idle[0])
		s.idle = slices.Delete(s.idle, 0, 1)
	}
	if s.tidy != nil {
		s.tidy.Stop()
	}
	s.tidy = time.AfterFunc(keepTime, s.clear)
}

// clear closes all that nobody reads.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.idle {
		s.drop(b)
	}
	s.idle = nil
}

// close closes all that nobody reads, and the rest when it is given back.
func (s *shelf) close() {
	s.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.tidy != nil {
		s.tidy.Stop()
	}
}

// drop closes a file. s.mu is held.
func (s *shelf) drop(b *book) {
	delete(s.books, b.key)
	if b.from != nil {
		_ = b.from.Close() // it was only read
	}
}

// has reports whether a file is being played.
func (s *shelf) has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, b := range s.books {
		if key.path == path && b.users > 0 {
			return true
		}
	}
	return false
}
