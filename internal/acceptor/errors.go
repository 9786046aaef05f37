package acceptor

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// longestPause is how long accepting waits at most before it is tried again.
const longestPause = time.Second

// passes reports whether an error of Accept is one that passes: descriptors or memory have run out, or the connection
// that was to be accepted has failed. Whatever else there is, the listener will not accept again.
func passes(err error) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EINTR, syscall.EPERM,
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTUNREACH,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	// Windows has numbers of its own, which the standard library knows.
	temporary, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && temporary.Temporary()
}
