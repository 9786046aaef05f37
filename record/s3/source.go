package s3

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sluice-media/sluice/record"
)

// source is the file that is stored.
type source struct {
	file *os.File
	path string
	info fs.FileInfo // when it was opened
	size int64
}

func open(f record.File) (*source, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() != f.Size {
		err = fmt.Errorf("%w: %s has %d bytes, not %d", ErrChanged, f.Path, info.Size(), f.Size)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &source{file: file, path: f.Path, info: info, size: f.Size}, nil
}

func (s *source) close() { _ = s.file.Close() }

// section reads a part of the file. Each reader has a place of its own.
func (s *source) section(offset, size int64) io.Reader {
	return io.NewSectionReader(s.file, offset, size)
}

// unchanged returns an error unless the file is the one that was opened, as it was.
func (s *source) unchanged() error {
	now, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if !os.SameFile(s.info, now) || now.Size() != s.size || !now.ModTime().Equal(s.info.ModTime()) {
		return fmt.Errorf("%w: %s was written while it was stored", ErrChanged, s.path)
	}
	return nil
}
