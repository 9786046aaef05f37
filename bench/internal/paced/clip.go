// Package paced is the floor every server is measured against: it sends the bytes of a clip in real time to many
// sockets, once per picture, with nothing between the clip and the system call.
package paced

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	fileHeader = 9 + 4 // FLV header and the first tag size
	tagHeader  = 11
	tagFooter  = 4
	typeAudio  = 8
	typeVideo  = 9
)

// Clip is the media bytes of an FLV file, one after the other, and when to send how much of them.
type Clip struct {
	Data   []byte
	Steps  []Step
	Length time.Duration // after this time the clip begins again
}

// Step is one write: at At from the clip's start, everything up to End is due.
type Step struct {
	At  time.Duration
	End int
}

// Rate returns the clip's mean bytes per second.
func (c *Clip) Rate() float64 { return float64(len(c.Data)) / c.Length.Seconds() }

// Parse reads an FLV file and makes one step for each picture; audio goes with the next picture. Only the audio and
// video tags are kept. A step that comes less than merge after the one before is joined with the next.
func Parse(flv []byte, merge time.Duration) (*Clip, error) {
	if len(flv) < fileHeader || string(flv[:3]) != "FLV" {
		return nil, errors.New("paced: not an FLV file")
	}
	c := &Clip{}
	var last, interval time.Duration
	for b := flv[fileHeader:]; len(b) > 0; {
		tag, rest, err := cut(b)
		if err != nil {
			return nil, err
		}
		b = rest
		if tag[0] != typeAudio && tag[0] != typeVideo {
			continue
		}
		c.Data = append(c.Data, tag...)
		if tag[0] == typeVideo {
			at := stamp(tag)
			interval, last = max(interval, at-last), at
			c.Steps = append(c.Steps, Step{At: at, End: len(c.Data)})
		}
	}
	if len(c.Steps) == 0 {
		return nil, errors.New("paced: no video in the clip")
	}
	c.Steps[len(c.Steps)-1].End = len(c.Data)
	c.Length = last + interval
	c.Steps = joined(c.Steps, merge)
	return c, nil
}

// cut takes the first tag, with the tag size behind it, off b.
func cut(b []byte) (tag, rest []byte, err error) {
	if len(b) < tagHeader {
		return nil, nil, errors.New("paced: the clip is cut short")
	}
	n := tagHeader + int(binary.BigEndian.Uint32(b)&0xFFFFFF) + tagFooter
	if n > len(b) {
		return nil, nil, fmt.Errorf("paced: a tag of %d bytes in the last %d of the clip", n, len(b))
	}
	return b[:n], b[n:], nil
}

func stamp(tag []byte) time.Duration {
	ms := uint32(tag[4])<<16 | uint32(tag[5])<<8 | uint32(tag[6]) | uint32(tag[7])<<24
	return time.Duration(ms) * time.Millisecond
}

// joined keeps the steps that are at least merge apart. The last one always stays: it completes the clip.
func joined(steps []Step, merge time.Duration) []Step {
	var out []Step
	for i, s := range steps {
		if i == len(steps)-1 || len(out) == 0 || s.At-out[len(out)-1].At >= merge {
			out = append(out, s)
		}
	}
	return out
}
