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
	"time"

	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/media"
)

// maxDownloads is how many files are made for clients at once. Each takes up to some 30 MB for its index.
const maxDownloads = 16

var errBusy = errors.New("too many files are being made")

// serveFile sends one MP4 file that is made of parts of others.
func (l *Library) serveFile(w *docroot.Writer, r *http.Request, key media.StreamKey, from time.Time, cuts []cut) error {
	select {
	case l.downloads <- struct{}{}:
		defer func() { <-l.downloads }()
	default:
		return errBusy
	}
	reading := &reading{}
	defer reading.close()
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
	if reading.err != nil {
		l.log.Warn("a recording was not sent whole", "path", reading.key.path, "err", reading.err)
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
		if c.growing {
			err = reading.hold(b.key)
		}
		if err == nil {
			err = j.Add(b.File, part, &passage{b.key, reading})
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

// reading has the one of many files open that is being read, and those that have their name for a while only. It is for one goroutine.
type reading struct {
	key  bookKey
	file *os.File
	held map[bookKey]*os.File
	err  error // the first
}

// passage is a file of a reading.
type passage struct {
	key     bookKey
	reading *reading
}

// ReadAt implements [io.ReaderAt].
func (p *passage) ReadAt(b []byte, at int64) (n int, err error) {
	file, err := p.reading.open(p.key)
	if err == nil {
		n, err = file.ReadAt(b, at)
	}
	if err != nil && n < len(b) && p.reading.err == nil {
		p.reading.err = err
	}
	return n, err
}

// open returns a file, which is open until the next.
func (r *reading) open(key bookKey) (file *os.File, err error) {
	if file = r.held[key]; file != nil {
		return file, nil
	}
	if r.file == nil || r.key != key {
		if r.file != nil {
			_ = r.file.Close() // it was only read
		}
		if r.file, err = openAs(key); err != nil {
			r.file = nil
			return nil, err
		}
		r.key = key
	}
	return r.file, nil
}

// hold opens a file that is open to the end of the reading.
func (r *reading) hold(key bookKey) error {
	file, err := openAs(key)
	if err == nil {
		if r.held == nil {
			r.held = map[bookKey]*os.File{}
		}
		r.held[key] = file
	}
	return err
}

func (r *reading) close() {
	for _, file := range r.held {
		_ = file.Close() // it was only read
	}
	if r.file != nil {
		_ = r.file.Close()
	}
}

var errChanged = errors.New("record: the file was changed while it was read")

// openAs opens a file that has not changed, but for what was added.
func openAs(key bookKey) (*os.File, error) {
	file, err := os.Open(key.path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() < key.size {
		err = errChanged
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
