package h26x

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sluice-media/sluice/media"
)

const (
	// maxSets bounds the parameter sets of a kind.
	maxSets = 16
	// maxSet bounds a parameter set, in bytes: what is longer comes from nobody's encoder.
	maxSet = 8 << 10
)

// SetList collects parameter sets that come in band, of pictures that come one after the other. It is for one goroutine at a time.
type SetList struct {
	codec media.Codec
	now   Sets // those of the track
	next  Sets // those that came since the last whole picture
}

// NewSetList returns a list that begins with what is known of a track.
func NewSetList(t *media.Track) *SetList {
	l := &SetList{codec: t.Codec}
	if sets, _, err := Parse(t.Codec, t.Config); err == nil {
		l.now = sets
	}
	return l
}

// Size returns how many bytes the sets have that are kept.
func (l *SetList) Size() (n int) {
	for _, s := range []Sets{l.now, l.next} {
		for _, list := range [][][]byte{s.VPS, s.SPS, s.PPS} {
			for _, set := range list {
				n += cap(set)
			}
		}
	}
	return n
}

// kind returns where in s the sets of a type of NAL unit are, or nil.
func (l *SetList) kind(s *Sets, typ byte) *[][]byte {
	switch {
	case l.codec == media.H264 && typ == AVCSPS, l.codec == media.H265 && typ == HEVCSPS:
		return &s.SPS
	case l.codec == media.H264 && typ == AVCPPS, l.codec == media.H265 && typ == HEVCPPS:
		return &s.PPS
	case l.codec == media.H265 && typ == HEVCVPS:
		return &s.VPS
	}
	return nil
}

// Take takes a NAL unit if it is a parameter set, and copies it. The error, an [ErrBadConfig], is of one that is too long.
func (l *SetList) Take(b []byte) (taken bool, err error) {
	typ := UnitType(l.codec, b[0])
	next := l.kind(&l.next, typ)
	if next == nil {
		return false, nil
	}
	if len(b) > maxSet {
		return true, fmt.Errorf("%w: a parameter set of %d bytes", ErrBadConfig, len(b))
	}
	now := *l.kind(&l.now, typ)
	// Nearly always they are those of the last time, whose memory then does for them.
	at := slices.IndexFunc(now, func(old []byte) bool { return bytes.Equal(old, b) })
	if at >= 0 {
		b = now[at]
	} else {
		b = bytes.Clone(b)
	}
	*next = l.with(*next, b)
	return true, nil
}

// with puts a set in a list, instead of the one with its identifier, or of the first if there are too many.
func (l *SetList) with(list [][]byte, b []byte) [][]byte {
	id := setID(l.codec, b)
	at := slices.IndexFunc(list, func(old []byte) bool { return setID(l.codec, old) == id })
	switch {
	case at >= 0:
		list[at] = b
		return list
	case len(list) >= maxSets:
		list = slices.Delete(list, 0, 1)
	}
	return append(list, b)
}

// Settle says that the picture is whole that the sets which have come belong to, and whether it is a key picture. It returns a new
// description of the track if they differ from what is known, and all are there; otherwise t.
func (l *SetList) Settle(t *media.Track, key bool) *media.Track {
	if len(l.next.VPS)+len(l.next.SPS)+len(l.next.PPS) == 0 {
		return t
	}
	was := l.now
	l.now.VPS = l.merge(l.now.VPS, l.next.VPS, key)
	l.now.SPS = l.merge(l.now.SPS, l.next.SPS, key)
	l.now.PPS = l.merge(l.now.PPS, l.next.PPS, key)
	l.next.VPS, l.next.SPS, l.next.PPS = l.next.VPS[:0], l.next.SPS[:0], l.next.PPS[:0]
	if l.now.Equal(was) {
		return t
	}
	config := l.now.Config(l.codec)
	if config == nil || bytes.Equal(config, t.Config) {
		return t
	}
	anew := *t
	anew.Config = config
	Describe(&anew, l.now)
	return &anew
}

// merge returns the sets of a kind after those of a picture. A key picture brings all it needs, unless it only
// repeats; others may bring the one that has changed.
func (l *SetList) merge(now, next [][]byte, key bool) [][]byte {
	known := func(b []byte) bool {
		return slices.ContainsFunc(now, func(old []byte) bool { return bytes.Equal(old, b) })
	}
	if !slices.ContainsFunc(next, func(b []byte) bool { return !known(b) }) {
		return now
	}
	if key {
		return slices.Clone(next)
	}
	merged := slices.Clone(now)
	for _, b := range next {
		merged = l.with(merged, b)
	}
	return merged
}
