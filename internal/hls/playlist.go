package hls

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// texts are a playlist in its forms.
type texts struct {
	whole *text
	delta *text // of low-latency HLS: without what is old (4.4.5.2); nil if there is nothing to leave out
}

// text is a form of a playlist. A mark stands behind each URI, where the query of a viewer belongs.
type text struct {
	marked string

	once    sync.Once
	encoded []byte // without a query, as most viewers get it
}

// mark stands in a text where the query of a viewer belongs.
const mark = "\x00"

// with returns the text for a query.
func (t *text) with(query string) string {
	if query != "" {
		query = "?" + query
	}
	return strings.ReplaceAll(t.marked, mark, query)
}

// encode returns the text for a query as fn encodes it, which is always the same.
func (t *text) encode(query string, fn func(string) []byte) []byte {
	if query != "" {
		return fn(t.with(query))
	}
	t.once.Do(func() { t.encoded = fn(t.with("")) })
	return t.encoded
}

// skipAfter is how many target durations before the end of a playlist a delta update may leave out (4.4.3.8).
const skipAfter = 6

// playlist returns the playlist of a window as it is. l.mu is held, and there is a segment.
func (l *Live) playlist(w *window) *texts {
	if w.cached == nil {
		w.cached = &texts{whole: &text{marked: string(l.write(w, 0))}}
		if n := l.skippable(w); n > 0 {
			w.cached.delta = &text{marked: string(l.write(w, n))}
		}
	}
	return w.cached
}

// skippable returns how many of the oldest segments of the playlist a delta update leaves out.
func (l *Live) skippable(w *window) int {
	if !w.parts {
		return 0
	}
	return l.olderThan(l.list[w.left:], skipAfter*l.target)
}

// olderThan returns how many of the oldest segments of a list end more than a while before its end.
func (l *Live) olderThan(list []*entry, while time.Duration) int {
	rest := time.Duration(0)
	for i := len(list) - 1; i >= 0; i-- {
		if rest > while {
			return i + 1
		}
		rest += list[i].length()
	}
	return 0
}

// write writes the playlist of a window without its oldest segments.
func (l *Live) write(w *window, skip int) []byte {
	list := l.list[w.left:]
	b := make([]byte, 0, 256+len(list)*256)
	b = fmt.Appendf(b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-ALLOW-CACHE:NO\n#EXT-X-TARGETDURATION:%d\n", l.version(skip), l.target/time.Second)
	if w.parts {
		b = fmt.Appendf(b, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=%.3f,CAN-SKIP-UNTIL=%d\n#EXT-X-PART-INF:PART-TARGET=%.3f\n",
			3*l.cfg.Part.Seconds(), skipAfter*l.target/time.Second, l.cfg.Part.Seconds())
	}
	b = fmt.Appendf(b, "#EXT-X-MEDIA-SEQUENCE:%d\n", list[0].number)
	if w.breaks > 0 {
		b = fmt.Appendf(b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", w.breaks)
	}
	if !w.parts {
		b = l.writeStart(b, list)
	}
	if skip > 0 {
		b = fmt.Appendf(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skip)
	}
	partsFrom := len(list)
	if w.parts { // those of segments that end within three target durations of the end (4.4.4.9)
		partsFrom = l.olderThan(list, 3*l.target)
	}
	for i, e := range list {
		if i < skip {
			continue
		}
		b = l.writeSegment(b, e, i == 0 || e.init != list[i-1].init, i >= partsFrom)
	}
	if l.ended {
		return append(b, "#EXT-X-ENDLIST\n"...)
	}
	if w.parts {
		b = l.writeHint(b)
	}
	return b
}

// version is that of the protocol (7) in which there is all that a playlist has.
func (l *Live) version(skip int) int {
	switch {
	case skip > 0:
		return 9
	case l.cfg.Init:
		return 7
	}
	return 4
}

// writeSegment writes what the playlist says of a segment.
func (l *Live) writeSegment(b []byte, e *entry, init, parts bool) []byte {
	if e.lasts == 0 && (!parts || len(e.parts) == 0) {
		return b
	}
	if e.discontinuity {
		b = append(b, "#EXT-X-DISCONTINUITY\n"...)
	}
	if init && e.init != nil {
		b = fmt.Appendf(b, "#EXT-X-MAP:URI=\"%s%s\"\n", initName(e.init.Number), mark)
	}
	b = append(append(append(b, "#EXT-X-PROGRAM-DATE-TIME:"...), e.at.UTC().Format("2006-01-02T15:04:05.000Z07:00")...), '\n')
	if parts {
		b = l.writeParts(b, e)
	}
	if e.lasts == 0 {
		return b
	}
	b = append(b, "#EXTINF:"...)
	b = strconv.AppendFloat(b, e.lasts.Round(time.Millisecond).Seconds(), 'f', 3, 64)
	return append(append(append(b, ",\n"...), e.name+l.cfg.Suffix...), mark+"\n"...)
}

func (l *Live) writeParts(b []byte, e *entry) []byte {
	for _, p := range e.parts {
		b = fmt.Appendf(b, "#EXT-X-PART:DURATION=%.3f,URI=\"%s%s\"", p.Duration.Seconds(), p.name, mark)
		if p.Independent {
			b = append(b, ",INDEPENDENT=YES"...)
		}
		b = append(b, '\n')
	}
	return b
}

// writeHint says what the next part will be called.
func (l *Live) writeHint(b []byte) []byte {
	return fmt.Appendf(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%s%s\"\n", l.coming, mark)
}

// partMark stands in the name of a part between that of a segment and a number.
const partMark = ".p"

// partName is what the part behind so many of a segment is called. It may turn out to be the first of the next segment.
func (l *Live) partName(e *entry, parts int) string {
	return e.name + partMark + strconv.Itoa(parts) + l.cfg.Suffix
}

// initName is what an initialization segment is called.
func initName(number int) string {
	if number == 0 {
		return "init.mp4"
	}
	return "init_" + strconv.Itoa(number) + ".mp4"
}
