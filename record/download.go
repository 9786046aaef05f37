package record

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/media"
)

// maxHeld is of how many files a download may be made that are all open to its end, so that it is whole also where they are deleted
// meanwhile: a day of those of an hour. Of more, one at a time is open.
const maxHeld = 25

// serveFile sends one MP4 file that is made of parts of others.
func (l *Library) serveFile(w *docroot.Writer, r *http.Request, key media.StreamKey, from time.Time, cuts []cut) error {
	end, err := l.downloads.begin(r)
	if err != nil {
		return err
	}
	defer end()
	reading := &reading{}
	defer reading.close()
	for _, c := range cuts {
		defer l.shelf.sends(c.path)()
	}
	c, tag, modified, err := l.join(r, reading, cuts)
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "video/mp4")
	head.Set("ETag", tag)
	head.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{
		"filename": path.Base(key.Name) + "-" + from.Local().Format(nameLayout) + ".mp4",
	}))
	docroot.SendMade(w, r, io.NewSectionReader(c, 0, c.Size()), modified)
	if path, err := reading.failed(); err != nil {
		l.log.Warn("a recording was not sent whole", "path", path, "err", err)
	}
	return nil
}

// join puts the index of the file together.
func (l *Library) join(r *http.Request, reading *reading, cuts []cut) (c *mp4.Content, tag string, modified time.Time, err error) {
	var j mp4.Joiner
	version := fnv.New64a()
	for _, c := range cuts {
		if err := r.Context().Err(); err != nil {
			return nil, "", modified, err
		}
		b, err := l.shelf.take(c.path)
		if err != nil {
			return nil, "", modified, err
		}
		part := b.Range(c.from, c.to)
		p := &passage{b.key, b.info, reading}
		if c.unfinished || len(cuts) <= maxHeld {
			err = reading.hold(p)
		}
		if err == nil {
			err = j.Add(b.File, part, p)
		}
		fmt.Fprintln(version, b.tag(""), part.First, part.End)
		if b.key.modified.After(modified) {
			modified = b.key.modified
		}
		l.shelf.giveBack(b)
		if err != nil {
			return nil, "", modified, err
		}
	}
	c, err = j.Content()
	return c, fmt.Sprintf(`"%x"`, version.Sum64()), modified, err
}

// reading has the one of many files open that is being read, and those that are held: few, or such as have their name for a while
// only. Of a reply with several ranges net/http may still read when the handler has returned.
type reading struct {
	mu     sync.Mutex
	key    bookKey
	file   *os.File
	held   map[bookKey]*os.File
	err    error // the first, and whose it is
	path   string
	closed bool
}

// passage is a file of a reading.
type passage struct {
	key     bookKey
	info    os.FileInfo
	reading *reading
}

// ReadAt implements [io.ReaderAt].
func (p *passage) ReadAt(b []byte, at int64) (n int, err error) {
	r := p.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := r.open(p)
	if err == nil {
		n, err = file.ReadAt(b, at)
	}
	if err != nil && n < len(b) && r.err == nil {
		r.err, r.path = err, p.key.path
	}
	return n, err
}

// failed returns the first file that could not be read, and why.
func (r *reading) failed() (path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.path, r.err
}

// open returns a file, which is open until the next. r.mu is held.
func (r *reading) open(p *passage) (file *os.File, err error) {
	if r.closed {
		return nil, os.ErrClosed
	}
	if file = r.held[p.key]; file != nil {
		return file, nil
	}
	if r.file == nil || r.key != p.key {
		if r.file != nil {
			_ = r.file.Close() // it was only read
		}
		if r.file, err = p.open(); err != nil {
			r.file = nil
			return nil, err
		}
		r.key = p.key
	}
	return r.file, nil
}

// hold opens a file that is open to the end of the reading.
func (r *reading) hold(p *passage) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[p.key] != nil {
		return nil
	}
	file, err := p.open()
	if err == nil {
		if r.held == nil {
			r.held = map[bookKey]*os.File{}
		}
		r.held[p.key] = file
	}
	return err
}

func (r *reading) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, file := range r.held {
		_ = file.Close() // it was only read
	}
	if r.file != nil {
		_ = r.file.Close()
	}
}

var errChanged = errors.New("record: the file was changed while it was read")

// open opens the file, which must be the same, with no more than something added.
func (p *passage) open() (*os.File, error) {
	file, info, err := docroot.OpenPath(p.key.path)
	if err != nil {
		return nil, err
	}
	if !os.SameFile(info, p.info) || info.Size() < p.key.size {
		_ = file.Close()
		return nil, errChanged
	}
	return file, nil
}
