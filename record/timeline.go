package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Span is a stretch of time of which there is a recording, in one file. What lies between two spans was not recorded.
type Span struct {
	// Path of the file.
	Path string
	// Start is when its first packet was to be decoded, by the clock of the stream; Duration how long it lasts.
	Start    time.Time
	Duration time.Duration
	// Size of the file, in bytes.
	Size int64
	// Growing says that the file is still being written, or about to be finished. Path is what it will be called: by that it can be played
	// already, and watched by HLS, but not yet be opened.
	Growing bool
}

// End is when the span ends.
func (s Span) End() time.Time { return s.Start.Add(s.Duration) }

// longestTimeline is how long a time can be asked for at once.
const longestTimeline = 31 * 24 * time.Hour

// errTimeline says that a time is none.
var errTimeline = errors.New("record: the time asked for ends before it begins, as one in the future does, or lasts over 31 days")

// Timeline returns what there is of a stream from one time to another, oldest first: the MP4 files that have some of it, and what there is
// so far of the one that is being written. It is no error if there is none.
func (l *Library) Timeline(ctx context.Context, key media.StreamKey, from, to time.Time) ([]Span, error) {
	if to.Before(from) || to.Sub(from) > longestTimeline {
		return nil, errTimeline
	}
	p, err := l.place(Query{Stream: key})
	if err != nil {
		return nil, err
	}
	var spans []Span
	// A file that began the day before may last until now.
	for day := from.Local().AddDate(0, 0, -1); !startOfDay(day).After(to); day = day.AddDate(0, 0, 1) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, err := l.spansOf(p.day(day.Format(dayLayout)), from, to)
		if err != nil {
			return nil, err
		}
		if spans = append(spans, found...); len(spans) > maxFiles {
			return nil, errTooMany
		}
	}
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return once(spans), nil
}

// once leaves out what is recorded twice, as by a recording of each of two kinds: a span that lies in what those before have. Files that
// follow each other overlap a little.
func once(spans []Span) []Span {
	const little = time.Second
	var ends time.Time
	return slices.DeleteFunc(spans, func(s Span) bool {
		if !s.End().After(ends.Add(little)) && s.Start.Add(little).Before(ends) {
			return true
		}
		if s.End().After(ends) {
			ends = s.End()
		}
		return false
	})
}

func startOfDay(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// spansOf returns those of the files of a day that have some of a time.
func (l *Library) spansOf(dir string, from, to time.Time) (spans []Span, err error) {
	list, err := names(dir, isFilm)
	for i, name := range list { // what is being written has its dot, and comes first
		list[i] = strings.TrimPrefix(name, ".")
	}
	slices.Sort(list)
	list = between(slices.Compact(list), from, to)
	if len(list) > maxFiles {
		return nil, errTooMany
	}
	for _, name := range list {
		begins, _ := beginsAt(name)
		s, ok := l.spanOf(filepath.Join(dir, name), begins)
		if ok && s.Start.Before(to) && s.End().After(from) {
			spans = append(spans, s)
		}
	}
	return spans, err
}

// between returns the names of those files that may have some of a time. An hour of a year is there twice by the clock.
func between(list []string, from, to time.Time) (some []string) {
	for i, name := range list {
		begins, ok := beginsAt(name)
		if !ok || begins.After(to.Add(time.Hour)) {
			continue
		}
		if i+1 < len(list) { // a file ends where the next begins, about
			if next, ok := beginsAt(list[i+1]); ok && next.Before(from.Add(-time.Hour-time.Minute)) {
				continue
			}
		}
		some = append(some, name)
	}
	return some
}

// isFilm reports whether an entry is an MP4 file, be it finished or not.
func isFilm(e os.DirEntry) bool { return e.Type().IsRegular() && filepath.Ext(e.Name()) == ".mp4" }

// beginsAt returns when a recording began, to the second, by its name.
func beginsAt(name string) (time.Time, bool) {
	if len(name) < len(nameLayout) {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation(nameLayout, name[:len(nameLayout)], time.Local)
	return at, err == nil
}

// spanOf looks into a file: what it says of itself goes before its name.
func (l *Library) spanOf(path string, begins time.Time) (Span, bool) {
	b, err := l.shelf.take(path)
	if err != nil {
		return Span{}, false
	}
	defer l.shelf.giveBack(b)
	return Span{Path: path, Start: b.begins(begins), Duration: b.Duration(), Size: b.key.size, Growing: b.key.path != path}, true
}

var errNoTime = errors.New("record: that is no time: seconds since 1970, or as in 2026-11-27T12:00:05Z")

// parseTime reads a time of a query: seconds since 1970, RFC 3339, or local time without its zone.
func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1<<40 {
		return time.UnixMicro(int64(seconds * 1e6)), nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", text, time.Local)
	if err != nil {
		return at, fmt.Errorf("%w: %.100q", errNoTime, text)
	}
	return at, nil
}
