//go:build unix && !linux

package fanout

import (
	"errors"
	"syscall"
)

// canPoll says that sockets can be written to without blocking.
const canPoll = true

type vector struct{}

// writeSocket writes the first of what s holds to a non-blocking socket. It returns EAGAIN as is.
func writeSocket(fd uintptr, s *Scratch) (int, syscall.Errno) {
	for {
		n, err := syscall.Write(int(fd), s.bufs[0])
		errno, _ := errors.AsType[syscall.Errno](err)
		if errno != syscall.EINTR {
			return max(n, 0), errno
		}
	}
}
