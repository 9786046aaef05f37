package record

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/media"
)

// source plays files one after the other. It is for one goroutine.
type source struct {
	shelf  *shelf
	files  []chapter
	tracks []*media.Track
	length time.Duration
	repeat bool
	exact  bool // Seek goes to the very time

	at     int           // the file that is played
	turn   time.Duration // how long all files have played before, when they repeat
	book   *book
	cursor *mp4.Cursor
	ahead  time.Duration                 // an exact Seek: what is before it is for the decoder alone; 0 if there is none
	own    map[*media.Track]*media.Track // the tracks of the file as those of the source; nil is left out
}

// chapter is one of the files, or a part of it.
type chapter struct {
	path  string
	start time.Duration // in the source
	from  time.Duration // where in the file it begins, with a key frame
	lasts time.Duration
	whole bool // it goes on to the end of the file
}

var _ media.Source = (*source)(nil)

// newSource opens files. Of several, those that cannot be played are passed over, and told.
func newSource(s *shelf, paths []string, passed func(path string, err error)) (*source, error) {
	x := &source{shelf: s}
	for _, path := range paths {
		err := x.append(path, 0, -1)
		switch {
		case err == nil:
		case len(paths) == 1:
			return nil, err
		default:
			passed(path, err)
		}
	}
	if len(x.files) == 0 {
		return nil, errUnplayable
	}
	return x, x.enter(0)
}

// append adds a file, from a time in it on to another; to its end if that is negative.
func (x *source) append(path string, from, to time.Duration) error {
	b, err := x.shelf.take(path)
	if err != nil {
		return err
	}
	defer x.shelf.giveBack(b)
	if b.Duration() <= 0 { // its media is missing
		return errUnplayable
	}
	if x.tracks == nil {
		x.tracks = b.Tracks()
	}
	c := chapter{path: path, start: x.length, whole: to < 0}
	if from > 0 {
		c.from = b.Cursor().Seek(from)
	}
	if c.whole || to > b.Duration() {
		to, c.whole = b.Duration(), true
	}
	c.lasts = max(to-c.from, 0)
	x.files = append(x.files, c)
	x.length += c.lasts
	return nil
}

// enter goes on at the beginning of a file. If that cannot be opened, nothing has changed.
func (x *source) enter(n int) error {
	b := x.book
	if b == nil || b.key.path != x.files[n].path {
		next, err := x.shelf.take(x.files[n].path)
		if err != nil {
			return err
		}
		x.leave()
		b = next
	}
	x.at, x.book, x.cursor = n, b, b.Cursor()
	if x.files[n].from > 0 {
		x.cursor.Seek(x.files[n].from)
	}
	x.own = map[*media.Track]*media.Track{}
	taken := map[int]bool{}
	for _, t := range b.Tracks() {
		for _, mine := range x.tracks {
			if mine.Codec.Video() != t.Codec.Video() || taken[mine.ID] {
				continue
			}
			taken[mine.ID] = true
			x.own[t] = mine
			if !sameTrack(mine, t) {
				other := *t
				other.ID = mine.ID
				x.own[t] = &other
			}
			break
		}
	}
	return nil
}

func (x *source) leave() {
	if x.book != nil {
		x.shelf.giveBack(x.book)
		x.book, x.cursor = nil, nil
	}
}

// Tracks implements [media.Source].
func (x *source) Tracks() []*media.Track { return x.tracks }

// Duration implements [media.Source].
func (x *source) Duration() time.Duration {
	if x.repeat {
		return 0
	}
	return x.length
}

// ReadPacket implements [media.Source].
func (x *source) ReadPacket(ctx context.Context) (*media.Packet, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := x.cursor.ReadPacket()
		c := &x.files[x.at]
		switch {
		case errors.Is(err, io.EOF), err == nil && !c.whole && p.DTS >= c.from+c.lasts:
			if err := x.turnOver(); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		}
		if p.Track = x.own[p.Track]; p.Track == nil {
			continue
		}
		shift := x.turn + c.start - c.from
		p.DTS += shift
		p.PTS += shift
		if !x.squeeze(p) {
			continue
		}
		return p, nil
	}
}

// turnOver goes on with the next file.
func (x *source) turnOver() error {
	next := x.at + 1
	if next == len(x.files) {
		if !x.repeat || x.length <= 0 {
			return io.EOF
		}
		x.turn += x.length
		next = 0
	}
	return x.enter(next)
}

// Seek implements [media.Source].
func (x *source) Seek(_ context.Context, at time.Duration) (time.Duration, error) {
	at = max(at, 0)
	n := 0
	for n+1 < len(x.files) && at >= x.files[n+1].start {
		n++
	}
	if err := x.enter(n); err != nil {
		return 0, err
	}
	x.turn, x.ahead = 0, 0
	c := &x.files[n]
	begins := c.start + max(x.cursor.Seek(c.from+at-c.start), c.from) - c.from
	if !x.exact || begins >= at || at >= x.length {
		return begins, nil
	}
	x.ahead = at
	return at, nil
}

// squeezed is how much faster the pictures go by that an exact Seek needs to be decoded, and nobody wants to see.
const squeezed = 100

// squeeze moves a packet that is before the place of an exact Seek close to that, and reports whether it is needed: sound is not.
func (x *source) squeeze(p *media.Packet) bool {
	if p.DTS >= x.ahead {
		x.ahead = 0
		return true
	}
	if !p.Track.Codec.Video() {
		return false
	}
	p.DTS = x.ahead - (x.ahead-p.DTS)/squeezed
	if p.PTS < x.ahead {
		p.PTS = x.ahead - (x.ahead-p.PTS)/squeezed
	}
	return true
}

// Close implements [media.Source].
func (x *source) Close() error {
	x.leave()
	return nil
}
