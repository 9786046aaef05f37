//go:build !unix

package fanout

import "syscall"

// canPoll says that sockets cannot be written to without blocking: every feed gets a goroutine.
const canPoll = false

type vector struct{}

// writeSocket is never called.
func writeSocket(uintptr, *Scratch) (int, syscall.Errno) { return 0, syscall.EINVAL }
