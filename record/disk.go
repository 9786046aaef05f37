package record

import (
	"io"
	"time"
)

// stallTime is how long the disk may take for a write until that is said.
const stallTime = 5 * time.Second

// newSuffix ends the name of a file that is not locked yet.
const newSuffix = ".new"

// file is what is written to.
type file interface {
	io.Writer
	Sync() error
	Close() error
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

// close ends writing. Where files stay open until they have their names, [disk.keep] closes it.
func (d *disk) close() error {
	d.watch.Reset(stallTime)
	defer d.watch.Stop()
	if keepsOpen && !d.sync {
		return nil
	}
	if keepsOpen {
		return d.file.Sync()
	}
	return d.file.Close()
}

// keep is what holds the file until it has its name.
func (d *disk) keep() io.Closer {
	if keepsOpen {
		return d.file
	}
	return io.NopCloser(nil)
}
