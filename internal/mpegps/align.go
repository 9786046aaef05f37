package mpegps

import (
	"bytes"
	"errors"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// aligner gives pictures their stamps where they begin: the stamp of a PES packet is that of the first picture which begins in it
// (13818-1, 2.4.3.7), and in front of that may be more of the one before.
type aligner struct {
	codec media.Codec
	carry []byte           // the end of a payload, that may be the beginning of a picture; the memory is used again,
	due   elementary.Stamp // and the stamp of that packet, if nothing has had it
}

// push takes the payload of a PES packet, and gives es its parts: in front of the picture that has the stamp, and from there on. An error of
// one part is no reason to keep back the next.
func (a *aligner) push(b []byte, at elementary.Stamp, es *elementary.Stream) (err error) {
	edge := len(a.carry)
	if edge > 0 {
		a.carry = append(a.carry, b...)
		b = a.carry
	}
	from, now := 0, elementary.Stamp{}
	part := func(to int, next elementary.Stamp) {
		if to > from || now.Given {
			err = errors.Join(err, es.Push(b[from:to], now))
		}
		from, now = to, next
	}
	end := len(b) - a.unclear(b)
	if begins := a.begins(b[:min(len(b), edge+maxStart)], 0); a.due.Given && begins >= 0 && begins < edge {
		part(begins, a.due)
		a.due = elementary.Stamp{}
	}
	if end >= edge { // what there was is clear
		a.due = elementary.Stamp{}
	}
	if begins := a.begins(b, edge); at.Given && begins >= 0 {
		part(begins, at)
	} else if at.Given && !a.due.Given {
		a.due = at
	}
	part(end, elementary.Stamp{})
	if cap(a.carry) > maxScratch {
		a.carry = nil
	}
	a.carry = append(a.carry[:0], b[end:]...) // it may be in there already, and further behind
	return err
}

// flush gives es what is left.
func (a *aligner) flush(es *elementary.Stream) error {
	carry := a.carry
	a.carry, a.due = a.carry[:0], elementary.Stamp{}
	if len(carry) == 0 {
		return nil
	}
	return es.Push(carry, elementary.Stamp{})
}

// maxStart is how many bytes it takes to tell whether a picture begins with them: a start code, the head of a NAL unit and a byte more.
const maxStart = 4 + 2 + 1

// begins returns where in b, from a place on, the first picture begins; -1 if none does.
func (a *aligner) begins(b []byte, from int) int {
	for at := from; ; at += 3 {
		n := bytes.Index(b[at:], []byte{0, 0, 1})
		if n < 0 {
			return -1
		}
		at += n
		if first, clear := firstOf(a.codec, b[at+3:]); !clear {
			return -1
		} else if first {
			if at > from && b[at-1] == 0 {
				at--
			}
			return at
		}
	}
}

// unclear returns how many bytes at the end of b may be the beginning of a picture.
func (a *aligner) unclear(b []byte) int {
	tail := b[max(0, len(b)-maxStart):]
	if n := bytes.LastIndex(tail, []byte{0, 0, 1}); n >= 0 {
		if _, clear := firstOf(a.codec, tail[n+3:]); !clear {
			if n > 0 && tail[n-1] == 0 {
				n--
			}
			return len(tail) - n
		}
	}
	n := len(tail) - len(bytes.TrimRight(tail, "\x00"))
	return min(n, 3)
}

// firstOf reports whether a NAL unit is the first of a picture; clear is false if that takes more of it.
func firstOf(codec media.Codec, unit []byte) (first, clear bool) {
	if len(unit) == 0 {
		return false, false
	}
	typ := h26x.UnitType(codec, unit[0])
	head := 1
	if codec == media.H265 {
		head = 2
	}
	switch {
	case h26x.Leads(codec, typ):
		return true, true
	case !h26x.IsSlice(codec, typ):
		return false, true
	case len(unit) <= head:
		return false, false
	}
	return unit[head]&0x80 != 0, true
}

// beginsPicture reports whether a payload begins with the first NAL unit of a picture.
func beginsPicture(codec media.Codec, b []byte) bool {
	for len(b) > 3 && b[0] == 0 && b[2] == 0 {
		b = b[1:]
	}
	if !bytes.HasPrefix(b, []byte{0, 0, 1}) {
		return false
	}
	first, _ := firstOf(codec, b[3:])
	return first
}
