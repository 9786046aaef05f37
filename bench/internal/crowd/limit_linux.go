package crowd

import (
	"fmt"
	"syscall"
)

// spareFiles is what a process needs besides its players.
const spareFiles = 256

// RaiseFileLimit makes sure that this process, and those it starts, can hold as many descriptors open for players.
func RaiseFileLimit(descriptors int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("crowd: getrlimit: %w", err)
	}
	need := uint64(descriptors + spareFiles)
	if limit.Max < need {
		limit.Max = need // only root may; the error below says so
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("crowd: %d descriptors: %w", need, err)
	}
	return nil
}
