package record

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/mp4"
)

const (
	// keepBooks is how many files stay open that nobody reads any more, and keepTime for how long: who plays a file by HLS comes again.
	keepBooks = 8
	keepTime  = 10 * time.Second
)

// shelf has the files that are being played: all who play one share its index.
type shelf struct {
	dir string // what is below it is only what the file server would show, too: no link leads out

	mu    sync.Mutex
	books map[bookKey]*book
	idle  []*book // of those, whom nobody reads; the one that has been for longest comes first
	tidy  *time.Timer
	sent  map[string]int // paths of files that are being sent, but are not open, and how often
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
	key     bookKey
	info    os.FileInfo
	from    *os.File
	users   int // guarded by the shelf, as watched is: segments of it are being fetched
	watched bool
	ready   chan struct{} // closed when the index is there, or err
	err     error
}

// open opens the file of a path. While a recording is being written, and until it is finished, it has another name.
func (s *shelf) open(path string) (file *os.File, key bookKey, info os.FileInfo, err error) {
	rel, err := filepath.Rel(s.dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		file, info, err = docroot.OpenPath(path)
		return file, keyOf(path, info), info, err
	}
	folder, err := docroot.OpenFolder(s.dir)
	if err != nil {
		return nil, key, nil, err
	}
	defer folder.Close()
	rel = filepath.ToSlash(rel)
	file, info, err = folder.Open(rel)
	if errors.Is(err, os.ErrNotExist) && isRecordingName(path) {
		path = hidden(filepath.Split(path))
		file, info, err = folder.OpenHidden(rel)
	}
	return file, keyOf(path, info), info, err
}

func keyOf(path string, info os.FileInfo) bookKey {
	if info == nil {
		return bookKey{}
	}
	return bookKey{path, info.Size(), info.ModTime()}
}

// isRecordingName reports whether a path is one that a recorder gives to a file of a day.
func isRecordingName(path string) bool {
	dir, name := filepath.Split(path)
	_, ok := beginsAt(name)
	return ok && isDay(filepath.Base(dir)) && strings.HasSuffix(name, ".mp4")
}

// take opens a file, or shares it with who has it open. It is to be given back.
func (s *shelf) take(path string) (*book, error) {
	file, key, info, err := s.open(path)
	if err != nil {
		return nil, err
	}
	b, mine := s.find(key, info, file)
	if mine {
		b.read()
	} else {
		_ = file.Close() // it was only looked at
		<-b.ready
	}
	if b.err != nil {
		s.giveBack(b)
		return nil, b.err
	}
	return b, nil
}

// find returns the book of a file, and whether it is new and to be read.
func (s *shelf) find(key bookKey, info os.FileInfo, file *os.File) (b *book, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b = s.books[key]; b != nil && os.SameFile(b.info, info) {
		b.users++
		s.idle = slices.DeleteFunc(s.idle, func(other *book) bool { return other == b })
		return b, false
	}
	b = &book{key: key, info: info, from: file, users: 1, ready: make(chan struct{})}
	s.books[key] = b
	return b, true
}

// read reads the index.
func (b *book) read() {
	b.err = errUnread // if it panics
	defer close(b.ready)
	b.File, b.err = mp4.Open(b.from, b.key.size)
}

var errUnread = errors.New("record: the index of the file could not be read")

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
	if s.closed || b.err != nil || s.books[b.key] != b {
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
	if s.books[b.key] == b {
		delete(s.books, b.key)
	}
	_ = b.from.Close() // it was only read
}

// sends notes that a file is being sent, until the function that it returns is called.
func (s *shelf) sends(path string) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil {
		s.sent = map[string]int{}
	}
	s.sent[path]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.sent[path]--; s.sent[path] == 0 {
			delete(s.sent, path)
		}
	}
}

// watch notes that a file is played piece by piece, so that it is also between two.
func (s *shelf) watch(b *book) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.watched = true
}

// has reports whether a file is being played or sent. One that was only looked at a moment ago is not.
func (s *shelf) has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, b := range s.books {
		if key.path == path && (b.users > 0 || b.watched) {
			return true
		}
	}
	return s.sent[path] > 0
}
