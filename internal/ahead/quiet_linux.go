package ahead

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"github.com/sluice-media/sluice/internal/connlimit"
)

// quietReader reads a TCP connection without telling the Go scheduler of each system call. A call it is told of wakes
// the runtime's monitor, which then looks every 20 µs whether the call takes long, for as long as anything else runs:
// where each picture read is at once sent to many, that is a seventh of the processor time of sending. A read that does
// not wait needs no such care.
type quietReader struct {
	conn net.Conn
	raw  syscall.RawConn
	try  func(fd uintptr) bool

	// What follows is for one call of try.
	b     []byte
	n     int
	errno syscall.Errno
}

// quietly returns a quiet reader of r, or r itself if it is no plain TCP connection.
func quietly(r io.Reader) io.Reader {
	if c, ok := r.(net.Conn); ok {
		r = connlimit.Socket(c)
	}
	conn, ok := r.(*net.TCPConn)
	if !ok {
		return r
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return r
	}
	q := &quietReader{conn: conn, raw: raw}
	q.try = q.readReady
	return q
}

// Read implements [io.Reader], with the deadlines and errors of a [net.Conn].
func (q *quietReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	q.b = b
	err := q.raw.Read(q.try)
	q.b = nil
	switch {
	case err != nil:
		return 0, err
	case q.errno != 0:
		return 0, q.opError(os.NewSyscallError("read", q.errno))
	case q.n == 0:
		return 0, io.EOF
	}
	return q.n, nil
}

func (q *quietReader) opError(err error) error {
	local, remote := q.conn.LocalAddr(), q.conn.RemoteAddr()
	return &net.OpError{Op: "read", Net: remote.Network(), Source: local, Addr: remote, Err: err}
}

// readReady reads what has come. It returns false to be called again when something has.
func (q *quietReader) readReady(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&q.b[0])), uintptr(len(q.b))) //nolint:gosec // the call keeps nothing
		if errno == syscall.EINTR {
			continue
		}
		q.n, q.errno = int(n), errno
		return errno != syscall.EAGAIN
	}
}
