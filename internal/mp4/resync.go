package mp4

import (
	"bytes"
	"io"
)

// maxSwept bounds what is read of a file to find where it goes on behind damage.
const maxSwept = 256 << 20

// resync looks from an offset on for a fragment: behind what a power cut has damaged, whole ones may follow. It finds those that begin with
// mfhd (8.8.5), as the standard wants and all writers do.
func (s *scanner) resync(at int64) (moof int64, ok bool) {
	pattern := []byte("moof\x00\x00\x00\x10mfhd")
	window := make([]byte, 64<<10)
	for at < s.size && s.swept < maxSwept {
		n, err := s.r.ReadAt(window[:min(int64(len(window)), s.size-at)], at)
		if i := bytes.Index(window[:n], pattern); i >= 4 {
			return at + int64(i) - 4, true
		}
		if err != nil && err != io.EOF || n <= len(pattern)+4 {
			return 0, false
		}
		step := int64(n - len(pattern) - 4) // it may lie across the end of the window
		at += step
		s.swept += step
	}
	return 0, false
}
