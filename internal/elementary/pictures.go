package elementary

import (
	"fmt"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// maxScratch is how much memory a stream keeps from one picture to the next.
const maxScratch = 1 << 20

// pictures takes H.264 and H.265. A picture is what has one stamp, in one PES packet or several: program streams have to cut those over
// 64 KiB, and some cameras send each NAL unit by itself.
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
}

func newPictures(known media.Track, emit func(*media.Packet) error) *pictures {
	known.ClockRate = 90000
	return &pictures{known: known, sets: h26x.NewSetList(&known), emit: emit}
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
	case err != nil || f.torn:
		return err
	case len(f.buf)+len(b) > MaxUnit:
		f.torn = true
		return fmt.Errorf("%w: a picture of more than %d bytes", ErrBadData, MaxUnit)
	}
	f.buf = append(f.buf, b...)
	return nil
}

func (f *pictures) lose() {
	f.gap = true
	f.torn = f.torn || f.open
	f.buf = nil // what comes of the picture still is not kept
}

func (f *pictures) flushBefore(at Stamp) error {
	if f.open && at != f.at {
		return f.flush()
	}
	return nil
}

func (f *pictures) flush() error {
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
	p, err := f.picture(b)
	if err != nil || p == nil {
		f.gap = f.gap || err != nil
		return err
	}
	return f.emit(p)
}

// picture makes a packet of a picture's byte stream: nil if it has none, or cannot be decoded.
func (f *pictures) picture(b []byte) (*media.Packet, error) {
	u := units{codec: f.known.Codec, sets: f.sets, data: make([]byte, 0, len(b)+16)}
	if err := eachUnit(b, u.take); err != nil {
		return nil, err
	}
	if !u.slices {
		return nil, nil // parameter sets by themselves: they are for the next
	}
	of := f.now
	if of == nil {
		of = &f.known
	}
	if of = f.sets.Settle(of, u.key); len(of.Config) == 0 {
		return nil, nil // of a stream that nobody can decode yet
	}
	f.now = of
	if f.gap = f.gap && !u.key; f.gap {
		return nil, nil // it may refer to what is missing
	}
	return &media.Packet{Track: of, DTS: f.at.DTS, PTS: f.at.PTS, Key: u.key, Data: u.data}, nil
}
