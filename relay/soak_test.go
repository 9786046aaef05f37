package relay

import "os"

// isSoak reports whether there is time for many runs, on a machine that does nothing else: make soak.
func isSoak() bool { return os.Getenv("SLUICE_SOAK") != "" }

// descriptors returns how many this process has open; -1 where that cannot be told.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}
