package elementary

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxScratch is how much memory a stream keeps from one picture to the next.
	maxScratch = 1 << 20
	// maxPictures bounds those of one stamp; the memory of a few is used again.
	maxPictures, fewPictures = 512, 16
	// longestStep is how far pictures are apart at most, and usualStep where nothing tells.
	longestStep, usualStep = 2 * time.Second, 40 * time.Millisecond
)

// errUnstamped says that it is not known when pictures are shown.
var errUnstamped = fmt.Errorf("%w: pictures without stamps are shown in the order in which they are decoded", ErrBadData)

// pictures takes H.264 and H.265. What has one stamp may be in one PES packet or several: program streams have to cut those over
// 64 KiB, and some cameras send each NAL unit by itself. It is a picture, or several of which only the first has a stamp (13818-1, 2.7.5).
type pictures struct {
	known media.Track
	now   *media.Track
	sets  *h26x.SetList
	emit  func(*media.Packet) error

	open bool
	torn bool // a part of the picture is missing
	gap  bool // pictures are missing, up to the next at which decoding can start
	at   Stamp
	buf  []byte // the byte stream of the picture; the memory is used again

	boundaries *h26x.Boundaries
	count      int           // pictures with the stamp
	done       []numbered    // those that can be decoded
	step       time.Duration // from one to the next, by the last stamps
}

// numbered is a picture, and how many there are in front of it with its stamp.
type numbered struct {
	number int
	packet *media.Packet
}

func newPictures(known media.Track, emit func(*media.Packet) error) *pictures {
	known.ClockRate = 90000
	return &pictures{known: known, sets: h26x.NewSetList(&known), emit: emit, boundaries: h26x.NewBoundaries(known.Codec)}
}

func (f *pictures) track() *media.Track { return f.now }
func (f *pictures) size() int           { return cap(f.buf) }

func (f *pictures) push(b []byte, at Stamp) error {
	var err error
	if at.Given {
		err = f.flushBefore(at)
	}
	if !f.open {
		if !at.Given { // the rest of what was not seen to begin
			return err
		}
		f.open, f.at = true, at
	}
	switch {
	case f.torn:
		return err
	case len(f.buf)+len(b) > MaxUnit:
		f.torn = true
		return errors.Join(err, fmt.Errorf("%w: a picture of more than %d bytes", ErrBadData, MaxUnit))
	}
	f.buf = append(f.buf, b...)
	return err // of the picture before: this one may be whole
}

func (f *pictures) lose() {
	f.gap = true
	f.torn = f.torn || f.open
	f.buf = nil // what comes of the picture still is not kept
}

func (f *pictures) flushBefore(at Stamp) error {
	if f.open && at != f.at {
		return f.finish(at)
	}
	return nil
}

func (f *pictures) flush() error { return f.finish(Stamp{}) }

// finish makes packets of what has come for a stamp. next is the one of what follows, if that is known.
func (f *pictures) finish(next Stamp) error {
	if !f.open {
		return nil
	}
	b, torn := f.buf, f.torn
	f.open, f.torn, f.buf = false, false, f.buf[:0]
	if cap(f.buf) > maxScratch {
		f.buf = nil
	}
	if torn {
		f.gap = true
		return nil
	}
	bad := f.split(b)
	return errors.Join(f.release(next), bad)
}

// split takes the pictures of a byte stream: nearly always it is one.
func (f *pictures) split(b []byte) error {
	u := units{codec: f.known.Codec, sets: f.sets, data: make([]byte, 0, len(b)+16)}
	var lead [][]byte // units behind a picture, perhaps of the next
	settle := func() error {
		for _, unit := range lead {
			if err := u.take(unit); err != nil {
				return err
			}
		}
		lead = lead[:0]
		return nil
	}
	err := eachUnit(b, func(unit []byte) error {
		if len(unit) == 0 {
			return nil
		}
		begins := f.boundaries.Begins(unit)
		switch {
		case u.slices && h26x.Leads(f.known.Codec, h26x.UnitType(f.known.Codec, unit[0])):
			if lead = append(lead, unit); len(lead) > maxUnits {
				return fmt.Errorf("%w: more than %d NAL units in front of a picture", ErrBadData, maxUnits)
			}
			return nil
		case u.slices && begins:
			if err := f.whole(&u, true); err != nil {
				return err
			}
			u = units{codec: f.known.Codec, sets: f.sets}
		}
		if err := settle(); err != nil {
			return err
		}
		return u.take(unit)
	})
	if err == nil {
		err = settle()
	}
	if err == nil {
		err = f.whole(&u, false)
	}
	f.gap = f.gap || err != nil
	return err
}

// whole takes a picture with which others came, or which came alone, without its stamps: none if it cannot be decoded.
func (f *pictures) whole(u *units, others bool) error {
	if !u.slices {
		return nil // parameter sets by themselves: they are for the next
	}
	if f.count++; f.count > maxPictures {
		return fmt.Errorf("%w: more than %d pictures with one stamp", ErrBadData, maxPictures)
	}
	of := f.now
	if of == nil {
		of = &f.known
	}
	if of = f.sets.Settle(of, u.key); len(of.Config) == 0 {
		return nil // of a stream that nobody can decode yet
	}
	f.now = of
	if f.gap = f.gap && !u.key; f.gap {
		return nil // it may refer to what is missing
	}
	data := u.data
	if others {
		data = bytes.Clone(data) // the memory would be that of all of them
	}
	f.done = append(f.done, numbered{f.count - 1, &media.Packet{Track: of, Key: u.key, Data: data}})
	return nil
}

// release hands on the pictures that are whole. Those behind the first have no stamps of their own: they follow at the distance of pictures.
func (f *pictures) release(next Stamp) error {
	done, count := f.done, f.count
	f.done, f.count = nil, 0
	if cap(done) <= fewPictures {
		f.done = done[:0]
	}
	step := f.distance(next, count)
	for _, x := range done {
		more := time.Duration(x.number) * step
		x.packet.DTS, x.packet.PTS = f.at.DTS+more, f.at.PTS+more
		if err := f.emit(x.packet); err != nil {
			return err
		}
	}
	clear(done)
	if count > 1 && f.at.DTS != f.at.PTS {
		return errUnstamped
	}
	return nil
}

// distance returns how far count pictures are apart up to the next stamp: as that says, or the parameter sets, or the last stamps.
func (f *pictures) distance(next Stamp, count int) time.Duration {
	if count == 0 {
		return f.step
	}
	if each := (next.DTS - f.at.DTS) / time.Duration(count); next.Given && each > 0 && each <= longestStep {
		f.step = each
		return each
	}
	if f.now != nil && f.now.FPS > 1 && f.now.FPS < 1000 {
		return time.Duration(float64(time.Second) / f.now.FPS)
	}
	return cmp.Or(f.step, usualStep)
}
