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

	at     int           // the file that is played
	turn   time.Duration // how long all files have played before, when they repeat
	book   *book
	cursor *mp4.Cursor
	own    map[*media.Track]*media.Track // the tracks of the file as those of the source; nil is left out
}

// chapter is one of the files.
type chapter struct {
	path  string
	start time.Duration
	lasts time.Duration
}

var _ media.Source = (*source)(nil)

// newSource opens files, of which there is one at least. All must be readable.
func newSource(s *shelf, paths []string) (*source, error) {
	x := &source{shelf: s}
	for _, path := range paths {
		b, err := s.take(path)
		if err != nil {
			return nil, err
		}
		if x.tracks == nil {
			x.tracks = b.Tracks()
		}
		x.files = append(x.files, chapter{path, x.length, b.Duration()})
		x.length += b.Duration()
		s.giveBack(b)
	}
	if err := x.enter(0); err != nil {
		return nil, err
	}
	return x, nil
}

// enter goes on at the beginning of a file.
func (x *source) enter(n int) error {
	x.leave()
	b, err := x.shelf.take(x.files[n].path)
	if err != nil {
		return err
	}
	x.at, x.book, x.cursor = n, b, b.Cursor()
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
		switch {
		case errors.Is(err, io.EOF):
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
		shift := x.turn + x.files[x.at].start
		p.DTS += shift
		p.PTS += shift
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
	x.turn = 0
	if err := x.enter(n); err != nil {
		return 0, err
	}
	return x.files[n].start + x.cursor.Seek(at-x.files[n].start), nil
}

// Close implements [media.Source].
func (x *source) Close() error {
	x.leave()
	return nil
}
