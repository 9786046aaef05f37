package siege

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluice-media/sluice/bench/internal/crowd"
)

// raiseLimit makes sure that this process can hold as many connections.
func raiseLimit(n int) error { return crowd.RaiseFileLimit(n) }

// buffer is the receive buffer of who does not read, in bytes: with the kernel's own what it holds says nothing of the server.
const buffer = 32 << 10

// narrow gives a socket a small receive buffer.
func narrow(_, _ string, c syscall.RawConn) (err error) {
	return errors.Join(c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}), err)
}
