package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/media"
)

const (
	// playlistSegment is how long a segment is at least: it ends at the next key frame.
	playlistSegment = 4 * time.Second
	// longestText is how many bytes a playlist has, about: a query that goes on is in each line.
	longestText = 4 << 20
	// shortSilent is how long a file without sound is at most that is left out behind one with sound.
	shortSilent = time.Second
	// openTarget is the target duration of an open playlist, which may not change, unless there is a longer segment already.
	openTarget = 10 * time.Second
)

// cut is a part of a file, from a time in it to another; all if both are 0.
type cut struct {
	path     string
	from, to time.Duration
	// unfinished says that the file has its name for a while only, and growing that more is to come.
	unfinished, growing bool
}

// ranges cuts it into segments. Of a file that grows, in an open playlist, the last is left out, which may grow, too.
func (c *cut) ranges(b *book, open bool) iter.Seq[mp4.Range] {
	if c.from == 0 && c.to == 0 {
		c.to = b.Duration()
	}
	return func(yield func(mp4.Range) bool) {
		var last mp4.Range
		for r := range b.Cut(b.Range(c.from, c.to), playlistSegment) {
			if last.End > 0 && !yield(last) {
				return
			}
			last = r
		}
		if last.End > 0 && (!open || !c.growing) {
			yield(last)
		}
	}
}

// playlist is one that is being written.
type playlist struct {
	library *Library
	ask     *ask
	open    bool // more may come
	text    bytes.Buffer
	longest time.Duration
	length  time.Duration // of all segments so far: stamps go on over files, as many players want it
	files   int
	sounds  bool          // those before have sound
	ahead   time.Duration // from the beginning of the first segment to what was asked for
}

// servePlaylist sends a playlist of files, which is an open one if files may come.
func (l *Library) servePlaylist(w *docroot.Writer, r *http.Request, a *ask, cuts []cut, open bool) error {
	p := &playlist{library: l, ask: a, open: open}
	if err := l.alone(r.Context(), func(ctx context.Context) error { return p.all(ctx, cuts) }); err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "application/vnd.apple.mpegurl")
	head.Set("Cache-Control", "no-store")
	first := p.head()
	head.Set("Content-Length", strconv.Itoa(len(first)+p.text.Len()))
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.WriteString(w, first); err == nil {
		_, _ = w.Write(p.text.Bytes()) // the client may have left
	}
	return nil
}

// all writes the segments of all files.
func (p *playlist) all(ctx context.Context, cuts []cut) error {
	for i := range cuts {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := p.file(&cuts[i]); err != nil {
			if len(cuts) == 1 || errors.Is(err, errTooMany) {
				return err
			}
			p.library.log.Warn("a file is passed over that cannot be played", "path", cuts[i].path, "err", err)
		}
	}
	if p.files == 0 {
		return errNothingYet
	}
	if !p.open || !cuts[len(cuts)-1].growing {
		p.text.WriteString("#EXT-X-ENDLIST\n")
	}
	return nil
}

// head returns what the playlist begins with (RFC 8216, 4.3.3).
func (p *playlist) head() string {
	target, kind := p.longest, "VOD"
	if p.open {
		target, kind = max(target, openTarget), "EVENT"
	}
	text := fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:%s\n"+
		"#EXT-X-INDEPENDENT-SEGMENTS\n", int(math.Ceil(target.Seconds())), kind)
	if p.ahead > 0 || p.open { // players begin at the end of an open one by themselves
		text += fmt.Sprintf("#EXT-X-START:TIME-OFFSET=%.3f,PRECISE=YES\n", max(p.ahead, 0).Seconds())
	}
	return text
}

// file writes the segments of a file.
func (p *playlist) file(c *cut) error {
	b, err := p.library.shelf.take(c.path)
	if err != nil {
		return err
	}
	defer p.library.shelf.giveBack(b)
	if p.falls(b) {
		return nil
	}
	url := p.library.urlOf(c.path, p.ask.key.VHost)
	more, begun := time.Duration(0), false
	for r := range c.ranges(b, p.open) {
		if !begun {
			more, begun = p.begin(c, b, r, url), true
		}
		p.longest = max(p.longest, r.Length)
		p.length += r.Length
		name := segmentName{r.First, r.End, more.Truncate(time.Microsecond)}
		fmt.Fprintf(&p.text, "#EXTINF:%.6f,\n%s\n", r.Length.Seconds(), p.ask.address(url+"/"+name.String()))
		if p.text.Len() > longestText {
			return errTooMany
		}
	}
	return nil
}

// falls reports whether a file is left out: a recording that ends just after it was cut has a few pictures and no sound yet in its last
// file, for which hls.js would give up all of the playlist, since it cannot lose a track.
func (p *playlist) falls(b *book) bool {
	silent := !slices.ContainsFunc(b.Tracks(), func(t *media.Track) bool { return !t.Codec.Video() })
	if silent && p.sounds && b.Duration() < shortSilent {
		return true
	}
	p.sounds = p.sounds || !silent
	return false
}

// begin writes what comes before the first segment of a file, and returns what is to be added to the stamps of all.
func (p *playlist) begin(c *cut, b *book, first mp4.Range, url string) (more time.Duration) {
	if p.files++; p.files == 1 {
		p.ahead = c.from - first.Start
	} else {
		p.text.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	fmt.Fprintf(&p.text, "#EXT-X-MAP:URI=%q\n", p.ask.address(url+"/"+headName))
	if begins := b.begins(time.Time{}); !begins.IsZero() {
		fmt.Fprintf(&p.text, "#EXT-X-PROGRAM-DATE-TIME:%s\n", begins.Add(first.Start).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	}
	p.length += b.Ahead(first)
	return p.length - first.Start
}

var errNothingYet = errors.New("record: there is no whole segment yet")
