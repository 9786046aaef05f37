package docroot

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks bounds the symbolic links on the way to a file.
const maxLinks = 16

// Folder is a folder that is open. It is found by its path each time it is opened, so that one that was replaced is not served
// from what is left of it.
type Folder struct{ root *os.Root }

// OpenFolder opens a folder.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Close closes it. Files that were opened in it stay open.
func (f *Folder) Close() error { return f.root.Close() }

// Stat describes what is at a path, which has slashes and may begin with one.
func (f *Folder) Stat(name string) (fs.FileInfo, error) {
	_, info, err := f.resolve(name)
	return info, err
}

// Open opens a plain file.
func (f *Folder) Open(name string) (*os.File, fs.FileInfo, error) {
	real, info, err := f.resolve(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fs.ErrNotExist
	}
	return f.open(real, fs.FileMode.IsRegular)
}

// OpenHidden opens the plain file whose name is that of a path with a dot in front: one that is not to be seen yet. It is no link.
func (f *Folder) OpenHidden(name string) (*os.File, fs.FileInfo, error) {
	dir, base := path.Split(name)
	real, info, err := f.resolve(dir)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() || !Shown(base) {
		return nil, nil, fs.ErrNotExist
	}
	real = path.Join(real, "."+base)
	if info, err = f.root.Lstat(filepath.FromSlash(real)); err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fs.ErrNotExist
	}
	return f.open(real, fs.FileMode.IsRegular)
}

// OpenPath opens a plain file by a path of the system, without waiting for anybody.
func OpenPath(name string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// open opens what was found to be of a kind, and looks again: it may have been replaced, even by what others wait for.
func (f *Folder) open(real string, is func(fs.FileMode) bool) (*os.File, fs.FileInfo, error) {
	file, err := f.root.OpenFile(filepath.FromSlash(real), os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !is(info.Mode()) {
		err = fs.ErrNotExist
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// resolve follows a path through all links and returns one without, with what is there: a plain file or a folder. Nothing on
// the way is hidden. Between here and what is done with the path links may change, but not lead out of the root.
func (f *Folder) resolve(name string) (real string, info fs.FileInfo, err error) {
	if len(name) > maxPath {
		return "", nil, fs.ErrNotExist
	}
	real, links := ".", 0
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && real != ".":
			real = path.Dir(real)
			continue
		case !Shown(part):
			return "", nil, fs.ErrNotExist
		}
		next := path.Join(real, part)
		target, err := f.readLink(next)
		if err != nil {
			return "", nil, err
		}
		if target == "" {
			real = next
			continue
		}
		if links++; links > maxLinks || len(target) > maxPath {
			return "", nil, fs.ErrNotExist
		}
		rest = slices.Concat(strings.Split(target, "/"), rest)
	}
	if info, err = f.root.Lstat(filepath.FromSlash(real)); err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return "", nil, fs.ErrNotExist
	}
	return real, info, nil
}

// readLink is what a link leads to, with slashes; empty for what is no link.
func (f *Folder) readLink(name string) (string, error) {
	name = filepath.FromSlash(name)
	info, err := f.root.Lstat(name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return "", err
	}
	target, err := f.root.Readlink(name)
	if err == nil && (target == "" || filepath.IsAbs(target)) {
		err = fs.ErrNotExist
	}
	return filepath.ToSlash(target), err
}
