package record

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/docroot"
)

// largestList bounds the playlist of an hour, in bytes.
const largestList = 64 << 20

const endOfList = "#EXT-X-ENDLIST\n"

// headOfList returns what the playlist of an hour begins with (RFC 8216, 4.3).
func headOfList() string {
	return fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n",
		longestSegment/time.Second)
}

// entry is a segment in a playlist.
type entry struct {
	name   string // of its file
	begins time.Time
	lasts  time.Duration
	broken bool   // it does not follow from the one before
	init   string // what it needs first, if that is another than of the one before
}

// text returns the lines of the entry.
func (e *entry) text() []byte {
	var b bytes.Buffer
	if e.broken {
		b.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	if e.init != "" {
		fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", e.init)
	}
	fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", e.begins.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	fmt.Fprintf(&b, "#EXTINF:%.3f,\n%s\n", max(e.lasts, time.Millisecond).Seconds(), e.name)
	return b.Bytes()
}

// vodList is what a playlist says, of which the end may be missing or damaged.
type vodList struct {
	text    []byte // up to the end of the last whole entry
	entries int
	init    string // what the last segment needs
	ended   bool
	foreign bool // it is not one that is written here, nor the beginning of one
}

// parseList reads a playlist.
func parseList(b []byte) (l vodList) {
	all, init := b, ""
	for inEntry := false; ; {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || bytes.IndexByte(b[:i], 0) >= 0 { // cut, or never written to the disk
			return l
		}
		line := string(b[:i])
		b = b[i+1:]
		switch {
		case line+"\n" == endOfList:
			l.ended = true
			return l
		case strings.HasPrefix(line, "#EXT-X-MAP:"):
			init, inEntry = mapURI(line), true
		case strings.HasPrefix(line, "#EXTINF:"), strings.HasPrefix(line, "#EXT-X-PROGRAM-DATE-TIME:"), line == "#EXT-X-DISCONTINUITY":
			inEntry = true
		case line != "" && line[0] != '#':
			l.entries++
			l.init, inEntry = init, false
		}
		if !inEntry {
			l.text = all[:len(all)-len(b)]
		}
	}
}

// mapURI returns the name of the file that an EXT-X-MAP names, if it lies beside the playlist.
func mapURI(line string) string {
	_, rest, _ := strings.Cut(line, `URI="`)
	name, _, ok := strings.Cut(rest, `"`)
	if !ok || name != filepath.Base(name) || !docroot.Shown(name) {
		return ""
	}
	return name
}

// readList reads a playlist.
func readList(r io.Reader) (vodList, error) {
	b, err := io.ReadAll(io.LimitReader(r, largestList+1))
	if err == nil && len(b) > largestList {
		err = errLongList
	}
	l := parseList(b)
	l.foreign = isForeign(b)
	return l, err
}

// isForeign reports whether a playlist is not one as it is written here, nor the beginning of one, behind which a power cut may have left zeros.
func isForeign(b []byte) bool {
	head := []byte(headOfList())
	return !bytes.HasPrefix(b, head) && !bytes.HasPrefix(head, bytes.TrimRight(b, "\x00"))
}

// names returns the segments of the playlist.
func (l *vodList) names() map[string]bool {
	names := make(map[string]bool, l.entries)
	for line := range bytes.Lines(l.text) {
		if line = bytes.TrimSuffix(line, []byte("\n")); len(line) > 0 && line[0] != '#' {
			names[string(line)] = true
		}
	}
	return names
}

// has reports whether the playlist has a segment.
func (l *vodList) has(name string) bool { return bytes.Contains(l.text, []byte("\n"+name+"\n")) }
