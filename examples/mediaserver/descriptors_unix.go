//go:build unix

package main

import "syscall"

// raiseDescriptors allows this process as many open files as the system lets it have, and returns how many these are. The
// Go runtime does the same where it may; that it did is not promised.
func raiseDescriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	if limit.Cur < limit.Max {
		higher := limit
		higher.Cur = limit.Max
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &higher) == nil {
			limit = higher
		}
	}
	return int(min(uint64(limit.Cur), 1<<30)), nil //nolint:gosec,unconvert // it is signed on some systems
}
