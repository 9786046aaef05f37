package record

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// segmentTime is what the name of a segment begins with: the minute and the second. A number follows.
	segmentTime = "04-05"
	// hourLayout is the name of the directory of an hour, in that of a day.
	hourLayout = "15"
	// initSuffix ends the name of an initialization segment, without the suffix of its file: before is the name of the first segment that needs it.
	initSuffix = "_init"
)

// hiddenSegment is the name of a segment while it is being written, which says what its entry needs:
// .<MM-SS>_<n>~[d][i]<µs since 1970><suffix>, with d if it does not follow from the one before, and i if it has an initialization segment of its
// own.
func hiddenSegment(e *entry) string {
	suffix := filepath.Ext(e.name)
	flags := ""
	if e.broken {
		flags += "d"
	}
	if e.init != "" {
		flags += "i"
	}
	return "." + strings.TrimSuffix(e.name, suffix) + "~" + flags + strconv.FormatInt(e.begins.UnixMicro(), 10) + suffix
}

// parseHidden undoes hiddenSegment.
func parseHidden(name string) (e entry, ok bool) {
	suffix := filepath.Ext(name)
	base, said, ok := strings.Cut(strings.TrimSuffix(name, suffix), "~")
	base, dot := strings.CutPrefix(base, ".")
	if !ok || !dot || !isSegmentName(base) {
		return e, false
	}
	e.name = base + suffix
	said, e.broken = strings.CutPrefix(said, "d")
	if said, ok = strings.CutPrefix(said, "i"); ok {
		e.init = base + initSuffix + suffix
	}
	micros, err := strconv.ParseInt(said, 10, 64)
	e.begins = time.UnixMicro(micros)
	return e, err == nil && strconv.FormatInt(micros, 10) == said
}

// isSegmentName reports whether a name without its suffix is that of a segment.
func isSegmentName(base string) bool {
	at, number, ok := strings.Cut(base, "_")
	if _, err := time.Parse(segmentTime, at); err != nil || !ok {
		return false
	}
	n, err := strconv.ParseUint(number, 10, 64)
	return err == nil && strconv.FormatUint(n, 10) == number
}

// isHour reports whether a name is that of the directory of an hour.
func isHour(name string) bool {
	_, err := time.Parse(hourLayout, name)
	return err == nil && len(name) == len(hourLayout)
}
