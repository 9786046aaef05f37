package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Store takes finished files to where they are to stay, such as an object store.
type Store interface {
	// Store takes a file away, and returns when it is safe there. After an error it is tried again: after a second, then later and
	// later, and after a restart, too, so that a file may come twice. It may be called for four files at a time. ctx ends with the recorder.
	Store(ctx context.Context, f File) error
}

// File is a finished recording.
type File struct {
	// Path is where it lies; Name what it is called below the directory of recordings, with slashes: record/live/cam/2026-11-27/x.mp4.
	Path, Name string
	Stream     media.StreamKey
	// Start is when it begins, by the clock; Length how long it plays; Size is in bytes.
	Start  time.Time
	Length time.Duration
	Size   int64
}

const (
	// storeSuffix ends the hidden name of a mark that says that a file is still to be stored.
	storeSuffix = ".store"
	// storesAtOnce is how many files are stored at a time.
	storesAtOnce = 4
	// storeSoonest and storeLatest are how long it takes until a file is tried again: twice as long each time.
	storeSoonest = time.Second
	storeLatest  = 5 * time.Minute
)

// storer hands files to a Store. It has a goroutine for each file that is on its way.
type storer struct {
	recorder *Recorder
	ctx      context.Context // ends with shutdown
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	waiting []*parcel
	atWork  int
	closed  bool
}

// parcel is a file on its way.
type parcel struct {
	job   *job
	pause time.Duration // before it is tried again
}

func newStorer(r *Recorder) *storer {
	s := &storer{recorder: r}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// mark is the path of the mark of a file.
func mark(final string) string {
	dir, name := filepath.Split(final)
	return hidden(dir, name+storeSuffix)
}

// wanted marks a file as one to be stored, before it is there.
func (s *storer) wanted(j *job) error {
	if s.recorder.cfg.Store == nil {
		return nil
	}
	return os.WriteFile(mark(j.final), nil, 0o600)
}

// waits reports whether a file is still to be stored.
func (s *storer) waits(final string) bool {
	if s.recorder.cfg.Store == nil {
		return false
	}
	_, err := os.Lstat(mark(final))
	return err == nil
}

// add has a file stored that is there.
func (s *storer) add(j *job) {
	if s.recorder.cfg.Store == nil {
		return
	}
	s.put(&parcel{job: j, pause: storeSoonest})
}

func (s *storer) put(p *parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.waiting = append(s.waiting, p)
	s.start()
}

// start sends what may go. s.mu is held.
func (s *storer) start() {
	for len(s.waiting) > 0 && s.atWork < storesAtOnce && !s.closed {
		p := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.atWork++
		s.running.Go(func() { s.send(p) })
	}
}

// send stores a file, or has it tried again.
func (s *storer) send(p *parcel) {
	err := s.store(p.job)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atWork--
	if err != nil && !s.closed {
		s.recorder.log.Warn("a recording could not be stored; it is tried again", "path", p.job.final, "err", err, "after", p.pause)
		time.AfterFunc(p.pause, func() { s.put(p) }) // after shutdown it does nothing
		p.pause = min(2*p.pause, storeLatest)
	}
	s.start()
}

// store stores a file, and takes its mark away.
func (s *storer) store(j *job) (err error) {
	info, err := os.Stat(j.final)
	if errors.Is(err, os.ErrNotExist) { // somebody has removed it
		_ = os.Remove(mark(j.final))
		return nil
	}
	if err != nil {
		return err
	}
	name, err := filepath.Rel(j.place.root, j.final)
	if err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("record: Store panicked: %v", v)
		}
	}()
	err = s.recorder.cfg.Store.Store(s.ctx, File{
		Path: j.final, Name: filepath.ToSlash(name), Stream: j.stream, Start: j.start, Length: j.lasts, Size: info.Size(),
	})
	if err != nil {
		return err
	}
	if err := os.Remove(mark(j.final)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !s.recorder.cfg.DeleteStored {
		return nil
	}
	if err := os.Remove(j.final); err != nil {
		return err
	}
	if filepath.IsLocal(name) { // a clip may be elsewhere, where directories are none of its business
		removeEmpty(filepath.Dir(j.final), j.place.root)
	}
	return nil
}

// left takes over a file that was still to be stored when the process before ended.
func (s *storer) left(root, name string) {
	dir, base := filepath.Split(name)
	final := filepath.Join(dir, strings.TrimSuffix(base[1:], storeSuffix))
	info, err := os.Stat(final)
	if err != nil {
		if _, err := os.Stat(hidden(dir, filepath.Base(final))); errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(name) // somebody has removed the file
		}
		return // otherwise it is stored when it is finished
	}
	j := &job{path: final, final: final}
	if !j.recall(root, s.recorder.cfg.App) {
		return
	}
	if lasts, ok := lengthOf(final, info.Size()); ok {
		j.lasts = lasts
	}
	s.add(j)
}

// shutdown ends what is on its way. What is not stored by then is by the next.
func (s *storer) shutdown() {
	s.mu.Lock()
	s.closed = true
	s.waiting = nil
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
}
