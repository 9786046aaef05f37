package outbox

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// suffix ends the name of a segment.
const suffix = ".log"

// listSegments returns the numbers of the segments in a directory, in order.
func listSegments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil && len(name) == 20 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// positionSize is that of the file that says what was taken out: the number of the segment, the offset in it and the
// CRC-32C of both, big-endian.
const positionSize = 20

func positionPath(dir string) string { return filepath.Join(dir, "position") }

// readPosition returns up to where messages were taken out, which is nowhere if that cannot be told.
func readPosition(dir string) (number uint64, offset int64) {
	b, err := os.ReadFile(positionPath(dir))
	if err != nil || len(b) != positionSize || checksum(b[:16]) != binary.BigEndian.Uint32(b[16:]) {
		return 0, 0
	}
	return binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:]))
}

func writePosition(dir string, number uint64, offset int64) error {
	b := binary.BigEndian.AppendUint64(nil, number)
	b = binary.BigEndian.AppendUint64(b, uint64(offset))
	b = binary.BigEndian.AppendUint32(b, checksum(b))
	// In place: a position that is torn has a wrong CRC, and only brings messages again.
	f, err := os.OpenFile(positionPath(dir), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(b, 0)
	return err
}
