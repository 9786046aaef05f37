package record

import (
	"strconv"
	"strings"
	"time"
)

const (
	segmentSuffix = ".m4s"
	// longestMore bounds how far a segment is moved.
	longestMore = 366 * 24 * time.Hour
)

// segmentName names a segment of a file: <first>-<end>.m4s, and with +<µs> or -<µs> before the suffix one whose stamps are so much higher
// or lower, as it follows another file.
type segmentName struct {
	first, end uint32 // samples of the lead
	more       time.Duration
}

func (n segmentName) String() string {
	text := strconv.FormatUint(uint64(n.first), 10) + "-" + strconv.FormatUint(uint64(n.end), 10)
	if n.more > 0 {
		text += "+"
	}
	if n.more != 0 {
		text += strconv.FormatInt(n.more.Microseconds(), 10)
	}
	return text + segmentSuffix
}

// parseSegment undoes String.
func parseSegment(text string) (n segmentName, ok bool) {
	text, ok = strings.CutSuffix(text, segmentSuffix)
	first, rest, dash := strings.Cut(text, "-")
	if !ok || !dash {
		return n, false
	}
	end, more := rest, ""
	if i := strings.IndexAny(rest, "+-"); i >= 0 {
		end, more = rest[:i], rest[i:]
	}
	from, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		return n, false
	}
	to, err := strconv.ParseUint(end, 10, 32)
	if err != nil {
		return n, false
	}
	n.first, n.end = uint32(from), uint32(to)
	if more == "" {
		return n, true
	}
	micros, err := strconv.ParseInt(more, 10, 64)
	if err != nil || max(micros, -micros) > longestMore.Microseconds() || micros == -1<<63 {
		return n, false
	}
	n.more = time.Duration(micros) * time.Microsecond
	return n, true
}
