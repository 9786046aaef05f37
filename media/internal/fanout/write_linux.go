package fanout

import (
	"syscall"
	"unsafe"
)

// canPoll says that sockets can be written to without blocking.
const canPoll = true

type vector [maxBuffers]syscall.Iovec

// writeSocket writes what s holds to a non-blocking socket, with one system call. It returns EAGAIN as is.
//
// It uses RawSyscall: the call never blocks, and telling the scheduler of each costs more than it brings.
func writeSocket(fd uintptr, s *Scratch) (int, syscall.Errno) {
	for {
		n, _, errno := writeCall(fd, s)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func writeCall(fd uintptr, s *Scratch) (uintptr, uintptr, syscall.Errno) {
	if s.n == 1 {
		b := s.bufs[0]
		return syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	}
	for i, b := range s.bufs[:s.n] {
		s.vec[i].Base = &b[0]
		s.vec[i].SetLen(len(b))
	}
	return syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&s.vec[0])), uintptr(s.n))
}
