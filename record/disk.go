package record

import (
	"io"
	"os"
	"time"
)

// stallTime is how long the disk may take for a write until that is said.
const stallTime = 5 * time.Second

// file is what is written to.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// createFile makes a new file that no other process takes for one that a crash has left.
func createFile(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// disk writes to a file, and says when that takes long.
type disk struct {
	file  file
	sync  bool
	watch *time.Timer
	size  int64
}

func newDisk(f file, sync bool, stalled func()) *disk {
	d := &disk{file: f, sync: sync, watch: time.AfterFunc(time.Hour, stalled)}
	d.watch.Stop()
	return d
}

func (d *disk) write(b []byte) error {
	d.watch.Reset(stallTime)
	defer d.watch.Stop()
	n, err := d.file.Write(b)
	d.size += int64(n)
	if err == nil && d.sync {
		err = d.file.Sync()
	}
	return err
}

// close closes the file; it says what a system says only then.
func (d *disk) close() error {
	d.watch.Reset(stallTime)
	defer d.watch.Stop()
	return d.file.Close()
}
