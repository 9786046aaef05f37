package relay

import (
	"os"
	"strconv"
)

// isSoak reports whether there is time for many runs, on a machine that does nothing else: make soak.
func isSoak() bool { return os.Getenv("SLUICE_SOAK") != "" }

// soakCycles is how often each thing is done then: 25 times, or SLUICE_SOAK_CYCLES for those who have less time at once.
func soakCycles() int {
	if n, err := strconv.Atoi(os.Getenv("SLUICE_SOAK_CYCLES")); err == nil && n > 0 {
		return n
	}
	return 25
}

// descriptors returns how many this process has open; -1 where that cannot be told.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}
