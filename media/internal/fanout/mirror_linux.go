package fanout

import (
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmentSize is from where on a mirror begins another file.
const segmentSize = 1 << 20

// leastSent is how much it takes for sending from a file to be cheaper than a copy.
const leastSent = 32 << 10

// Mirror keeps what a log holds in files that exist in memory only. From these the system sends an item to any number
// of sockets without copying it for each. The zero value is ready. It is for the goroutine that writes the log, which
// closes it in the end.
type Mirror struct {
	// Budget bounds the bytes; items over it are not mirrored.
	Budget *Budget

	segments []*segment // oldest first; items go to the last
	err      error      // the system does not let us; nothing is mirrored any more
}

// segment is one file. Nothing in it ever changes, since what was sent may still lie in the queue of a socket. It is
// closed once the mirror has let go of it and nobody sends from it; an item may know it longer.
type segment struct {
	fd     int
	size   int64
	last   uint64 // sequence number of the newest item in it
	users  atomic.Int32
	budget *Budget
}

// use keeps the file open until release, if it is open still.
func (g *segment) use() bool {
	for {
		n := g.users.Load()
		if n == 0 {
			return false
		}
		if g.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (g *segment) release() {
	if g.users.Add(-1) == 0 {
		_ = unix.Close(g.fd)
		g.budget.give(int(g.size))
	}
}

// Add notes where in a file an item lies that is about to become item seq of the log.
func (m *Mirror) Add(it *Item, seq uint64) error {
	n := it.end - it.off
	if m.err != nil || n == 0 || !m.Budget.take(n) {
		return nil
	}
	g, err := m.room()
	if err == nil {
		err = g.write(it.Data())
	}
	if err != nil {
		m.Budget.give(n)
		m.err = fmt.Errorf("fanout: %w", err)
		return m.err
	}
	it.file, it.pos = g, g.size
	g.size += int64(n)
	g.last = seq
	return nil
}

// Close lets go of all files.
func (m *Mirror) Close() { m.drop(len(m.segments)) }

// drop lets go of the oldest n files.
func (m *Mirror) drop(n int) {
	for _, g := range m.segments[:n] {
		g.release()
	}
	m.segments = append([]*segment(nil), m.segments[n:]...)
}

// write appends b, all of it or nothing that counts.
func (g *segment) write(b []byte) error {
	n, err := unix.Pwrite(g.fd, b, g.size)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// room returns the segment that takes the next item.
func (m *Mirror) room() (*segment, error) {
	if n := len(m.segments); n > 0 && m.segments[n-1].size < segmentSize {
		return m.segments[n-1], nil
	}
	if err := mayGrow(); err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("sluice", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	g := &segment{fd: fd, budget: m.Budget}
	g.users.Store(1)
	m.segments = append(m.segments, g)
	return g, nil
}

// leastLimit is more than a file can grow to: a segment and the largest item of any protocol.
const leastLimit = 64 << 20

// mayGrow fails where files are limited to fewer bytes than a segment may have: who writes beyond such a limit is ended
// by a signal.
func mayGrow() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if limit.Cur < leastLimit {
		return unix.EFBIG
	}
	return nil
}

// Trim lets go of the files whose items are all older than tail, the oldest that the log holds.
func (m *Mirror) Trim(tail uint64) {
	n := 0
	for n < len(m.segments)-1 && m.segments[n].last < tail {
		n++
	}
	if n > 0 {
		m.drop(n)
	}
}

// span is where a write lies in a file, if the whole of it does.
type span struct {
	file *segment
	pos  int64
}

// extend adds an item to a write of size bytes that lies in the span, and returns the span of both; it is empty if
// they do not lie one behind the other.
func (p span) extend(it *Item, size int) span {
	switch {
	case size == 0:
		return span{it.file, it.pos}
	case p.file != nil && it.file == p.file && it.pos == p.pos+int64(size):
		return p
	}
	return span{}
}

// sendFile sends what s holds from its file. It fails with EINVAL where a socket cannot be sent to like that, or the file
// is closed.
func sendFile(fd uintptr, s *Scratch) (int, syscall.Errno) {
	g := s.span.file
	if !g.use() {
		return 0, syscall.EINVAL
	}
	pos := s.span.pos
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDFILE, fd, uintptr(g.fd), uintptr(unsafe.Pointer(&pos)), uintptr(s.size), 0, 0)
	g.release()
	return int(n), errno
}
