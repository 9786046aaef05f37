package record

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
)

// againTime is when a file is tried again that could not be finished, as on a full disk.
const againTime = time.Minute

// lagTime is after how long it is looked again whether observers have come further.
const lagTime = 50 * time.Millisecond

// job is a closed file that is to get its name.
type job struct {
	note
	path  string // as it was written
	final string
	place place
	lasts time.Duration
	keep  io.Closer // holds the file meanwhile
	after time.Time // not before
	told  bool      // why it could not be finished
}

// finisher gives closed files their names, one after the other, and makes those that are to be ordinary MP4 such. It has a goroutine while
// there is something to do.
type finisher struct {
	recorder *Recorder
	ctx      context.Context // ends with shutdown
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	scans   []search // where to look for what a crash has left
	jobs    []*job
	works   bool        // the goroutine runs
	again   *time.Timer // lets it run when a file may be tried again
	sweeps  bool        // the library is to be looked through for what is too old or too much
	sweeper *time.Timer // has that done now and then
	closed  bool
}

func newFinisher(r *Recorder) *finisher {
	f := &finisher{recorder: r}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// add takes over a file. It never waits.
func (f *finisher) add(j *job) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs = append(f.jobs, j)
	f.start()
}

// search is where to look for what a crash has left.
type search struct {
	root  string
	hours *hlsRoot // of recordings by HLS; nil is for others
}

// recover has what a crash has left below a directory finished.
func (f *finisher) recover(s search) {
	if _, err := os.Stat(s.root); err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scans = append(f.scans, s)
	f.start()
}

// start lets the goroutine run. f.mu is held.
func (f *finisher) start() {
	if f.works || f.ctx.Err() != nil {
		return
	}
	f.works = true
	f.running.Go(f.run)
}

// shutdown ends the work: when all is done, or ctx is over. Nothing is added any more.
func (f *finisher) shutdown(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	stop := context.AfterFunc(ctx, f.cancel)
	defer stop()
	f.running.Wait()
	f.cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range []*time.Timer{f.again, f.sweeper} {
		if t != nil {
			t.Stop()
		}
	}
	for _, j := range f.jobs {
		_ = j.keep.Close()
	}
	if len(f.jobs) > 0 {
		return cmp.Or(context.Cause(ctx), errUnfinished)
	}
	return nil
}

var errUnfinished = errors.New("record: some recordings could not be finished; they are when a recorder begins again")

func (f *finisher) run() {
	for {
		j, where, sweep, lag := f.next()
		switch {
		case where.hours != nil:
			f.scanHours(where.hours)
		case where.root != "":
			f.scan(where.root)
		case sweep:
			f.sweep(time.Now())
		case j != nil:
			f.do(j)
		case lag:
			f.pause()
		default:
			return
		}
	}
}

// pause waits a little for the observers.
func (f *finisher) pause() {
	t := time.NewTimer(lagTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.ctx.Done():
	}
}

// next returns what is to be done now: a file, where to look, to sweep, or to wait for observers. When there is nothing, the
// goroutine ends.
func (f *finisher) next() (j *job, where search, sweep, lag bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil {
		f.works = false
		return nil, where, false, false
	}
	if len(f.scans) > 0 {
		where, f.scans = f.scans[0], f.scans[1:]
		return nil, where, false, false
	}
	j, wait, lag := f.due(time.Now())
	switch {
	case j != nil:
		return j, where, false, false
	case f.sweeps:
		f.sweeps = false
		f.sweepLater()
		return nil, where, true, false
	case lag:
		return nil, where, false, true
	}
	f.works = false
	if wait > 0 && !f.closed {
		f.again = time.AfterFunc(wait, f.tryAgain)
	}
	return nil, where, false, false
}

// due takes out the first file that can be finished now. If there is none it returns how long until one is tried again, and whether some
// wait only for observers that have not been told yet of others of their streams. f.mu is held.
func (f *finisher) due(now time.Time) (j *job, wait time.Duration, lag bool) {
	lags := map[media.StreamKey]bool{} // asked once for each: files of a stream are finished in order
	for i, j := range f.jobs {
		if rest := j.after.Sub(now); rest > 0 {
			if wait == 0 || rest < wait {
				wait = rest
			}
			continue
		}
		late, asked := lags[j.stream]
		if !asked {
			late = f.recorder.media.ObserversLag(j.stream)
			lags[j.stream] = late
		}
		if !late {
			f.jobs = slices.Delete(f.jobs, i, i+1)
			return j, 0, false
		}
		lag = true
	}
	return nil, wait, lag
}

func (f *finisher) tryAgain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.start()
	}
}

// do finishes a file. One that cannot be is kept as it is, and tried again.
func (f *finisher) do(j *job) {
	path := j.path
	err := f.finish(j)
	if err == nil {
		_ = j.keep.Close() // it was written through, or is the system's to
		f.recorder.letGo(path)
		if f.recorder.cfg.MaxBytes > 0 {
			f.sweepNow()
		}
		return
	}
	if !j.told && !errors.Is(err, context.Canceled) {
		j.told = true
		f.recorder.log.Error("a recording cannot be finished; what was recorded is kept, and it is tried again",
			"path", j.path, "err", err)
	}
	j.after = time.Now().Add(againTime)
	f.add(j)
}

// finish gives a file its name.
func (f *finisher) finish(j *job) error {
	if j.kind == HLS || j.kind == HLSFMP4 {
		return f.finishHour(j)
	}
	info, err := os.Stat(j.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.recorder.log.Warn("a recording is gone: somebody has removed it before it was finished", "path", j.path)
		return nil
	case err != nil:
		return err
	case info.Size() < smallest:
		f.recorder.log.Info("a recording of next to nothing is removed", "path", j.path, "bytes", info.Size())
		return os.Remove(j.path)
	}
	if err := f.rename(j); err != nil {
		return err
	}
	if j.path == "" {
		return f.hand(j)
	}
	if err := f.recorder.storer.wanted(j); err != nil {
		return err
	}
	if j.kind == MP4 && !f.recorder.cfg.Fragmented {
		err = f.progressive(j)
	} else {
		err = os.Rename(j.path, j.final)
	}
	if errors.Is(err, errEmpty) {
		f.recorder.log.Warn("a recording in which nothing is whole is removed", "path", j.path, "bytes", info.Size())
		_ = os.Remove(mark(j.final))
		return os.Remove(j.path)
	}
	if err != nil {
		return err
	}
	if f.recorder.cfg.Sync {
		syncDir(filepath.Dir(j.final))
	}
	return f.hand(j)
}

// hand tells of a file that has its name, and has it stored.
func (f *finisher) hand(j *job) error {
	err := f.tell(j)
	f.recorder.storer.add(j)
	return err
}
