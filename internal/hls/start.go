package hls

import (
	"fmt"
	"slices"
	"time"
)

const (
	// startBefore is how many target durations before the end players begin (4.4.2.2).
	startBefore = 3
	// startWithin is how far within a segment the time lies that is named for it, so that no rounding leads to the one before.
	startWithin = time.Millisecond
)

// writeStart says in which segment to begin, where some do not begin with a key frame: the one behind what the log had does not,
// and those of long groups of pictures. In MPEG-TS it has no parameter sets either, and hls.js 1.7 takes it for sound without a
// picture and gives up at the next. Players of low-latency HLS know from the parts where to begin.
func (l *Live) writeStart(b []byte, list []*entry) []byte {
	if !slices.ContainsFunc(list, func(e *entry) bool { return !e.independent }) {
		return b
	}
	var at, start, total time.Duration
	for _, e := range list {
		total += e.lasts.Round(time.Millisecond)
	}
	found := false
	for _, e := range list {
		if e.independent && e.lasts > 0 && (!found || total-at >= startBefore*l.target) {
			start, found = at, true
		}
		at += e.lasts.Round(time.Millisecond)
	}
	if !found {
		return b
	}
	return fmt.Appendf(b, "#EXT-X-START:TIME-OFFSET=%.3f\n", (start + startWithin).Seconds())
}
