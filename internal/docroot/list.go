package docroot

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// MaxEntries is how many entries of a folder are looked at.
const MaxEntries = 5000

// Entry is what is in a folder.
type Entry struct {
	Name     string
	IsDir    bool
	Size     int64
	Modified time.Time
}

// Index is the name of the page that stands for a folder: index.html or index.htm, in any case of letters; empty if there is
// none.
func (f *Folder) Index(name string) string {
	for _, page := range []string{"index.html", "index.htm"} {
		if f.isFile(path.Join(name, page)) {
			return page
		}
	}
	index := ""
	_ = f.each(name, func(entry string) { // without a page there is none
		if (strings.EqualFold(entry, "index.html") || index == "" && strings.EqualFold(entry, "index.htm")) && f.isFile(path.Join(name, entry)) {
			index = entry
		}
	})
	return index
}

func (f *Folder) isFile(name string) bool {
	info, err := f.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// List lists what may be seen in a folder. more says that it is not all.
func (f *Folder) List(name string) (entries []Entry, more bool, err error) {
	err = f.each(name, func(entry string) {
		if info, err := f.Stat(path.Join(name, entry)); err == nil {
			entries = append(entries, Entry{entry, info.IsDir(), info.Size(), info.ModTime()})
		}
	})
	if errors.Is(err, errMore) {
		return entries, true, nil
	}
	return entries, false, err
}

// errMore says that a folder has too many entries.
var errMore = errors.New("docroot: too many entries")

// each calls do for the names of a folder that may be seen.
func (f *Folder) each(name string, do func(entry string)) error {
	real, info, err := f.resolve(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fs.ErrNotExist
	}
	dir, _, err := f.open(real, fs.FileMode.IsDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	for read := 0; ; {
		names, err := dir.Readdirnames(min(256, MaxEntries-read+1))
		for _, n := range names {
			if read++; read > MaxEntries {
				return errMore
			}
			if Shown(n) {
				do(n)
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
	}
}
