package record

import (
	"fmt"
	"path"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/media"
)

// dayLayout and nameLayout are the names of the directory of a day and of a file in it, but for the number of the file.
const (
	dayLayout  = "2006-01-02"
	nameLayout = "2006-01-02-15-04-05"
)

// place is where the recordings of a stream are.
type place struct {
	root string // absolute
	rel  string // below the root: <app>/[<vhost>/]<app of the stream>/<name of the stream>, with slashes
	url  string // the same without the vhost
}

// placeOf returns where the recordings of a stream are below a root.
func placeOf(root, app string, key media.StreamKey) (place, error) {
	key = key.Canonical()
	p := place{url: path.Join(app, key.App, key.Name)}
	p.rel = p.url
	if key.VHost != hook.DefaultVHost {
		p.rel = path.Join(app, key.VHost, key.App, key.Name)
	}
	// What begins with a dot would be hidden, or lead up; a virtual host is one part.
	if !isVisible(key.App+"/"+key.Name) || !docroot.Shown(key.VHost) || !filepath.IsLocal(filepath.FromSlash(p.rel)) {
		return place{}, fmt.Errorf("%w: stream %s", ErrBadPath, key)
	}
	root, err := filepath.Abs(root)
	p.root = root
	return p, err
}

// dir is the directory of the stream.
func (p place) dir() string { return filepath.Join(p.root, filepath.FromSlash(p.rel)) }

// day is the directory of a day, or the one of the stream if it is empty.
func (p place) day(day string) string { return filepath.Join(p.dir(), day) }

// file returns the directory and the name of a file that begins at a time. Files of one second are numbered.
func (p place) file(at time.Time, number int, suffix string) (dir, name string) {
	at = at.Local()
	return p.day(at.Format(dayLayout)), fmt.Sprintf("%s-%d%s", at.Format(nameLayout), number, suffix)
}

// hidden is the path of a file while it is being written.
func hidden(dir, name string) string { return filepath.Join(dir, "."+name) }

// isDay reports whether a name is that of the directory of a day.
func isDay(name string) bool {
	_, err := time.Parse(dayLayout, name)
	return err == nil
}
