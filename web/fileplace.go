package web

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
)

// location is where the file of a request is.
type location struct {
	path  string // of the URL, clean
	dir   string // the folder that is served; empty for none
	name  string // in it, with slashes
	isDir bool
}

// find returns where a path leads. Of a folder with an index it is that.
func (c *filesSettings) find(urlPath, vhost string) location {
	clean, ok := docroot.Clean(urlPath)
	at := location{path: clean}
	if !ok {
		return at
	}
	if at, ok := c.elsewhere(clean, vhost); ok {
		return at
	}
	first, rest, _ := strings.Cut(clean[1:], "/")
	at.dir, at.name = c.Virtual[first], rest
	if at.dir == "" || first == "" {
		at.dir, at.name = c.Root, clean[1:]
	}
	if c.EnableVHost && at.dir != "" {
		if vhost != hook.DefaultVHost && !docroot.Shown(vhost) {
			at.dir = ""
			return at
		}
		at.dir = filepath.Join(at.dir, vhost)
	}
	at.look()
	return at
}

// elsewhere returns where a path leads that is not in the folder of its virtual host, if there is something.
func (c *filesSettings) elsewhere(clean, vhost string) (at location, ok bool) {
	if !c.EnableVHost || c.folders == nil {
		return at, false
	}
	at.path = clean
	if at.dir, at.name, ok = c.folders.Folder(vhost, clean); !ok {
		return at, false
	}
	folder, err := docroot.OpenFolder(at.dir)
	if err != nil {
		return at, false
	}
	defer folder.Close()
	if _, err := folder.Stat(at.name); err != nil {
		return at, false
	}
	at.look()
	return at, true
}

// look sees whether it is a folder, and whether that has an index.
func (at *location) look() {
	if at.dir == "" {
		return
	}
	folder, err := docroot.OpenFolder(at.dir)
	if err != nil {
		return
	}
	defer folder.Close()
	info, err := folder.Stat(at.name)
	if err != nil || !info.IsDir() {
		return
	}
	if index := folder.Index(at.name); index != "" {
		at.path, at.name = path.Join(at.path, index), path.Join(at.name, index)
		return
	}
	at.isDir = true
}

// file is the absolute path of the file, with a slash behind it where the URL has one.
func (at *location) file() string {
	if at.dir == "" {
		return ""
	}
	file := filepath.Join(at.dir, filepath.FromSlash(at.name))
	if strings.HasSuffix(at.path, "/") {
		file += string(filepath.Separator)
	}
	return file
}

// asked reports whether a path of a URL is that for which access was asked.
func (at *location) asked(urlPath string) bool { return at.path == urlPath }
