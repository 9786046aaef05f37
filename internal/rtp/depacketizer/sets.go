package depacketizer

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxSets bounds the parameter sets of a kind.
	maxSets = 16
	// maxSet bounds a parameter set, in bytes: what is longer comes from nobody's encoder.
	maxSet = 8 << 10
)

// setList collects parameter sets that come in band.
type setList struct {
	codec media.Codec
	now   h26x.Sets // those of the track
	next  h26x.Sets // those that came since the last whole picture
}

func (l *setList) init(t *media.Track) {
	l.codec = t.Codec
	if sets, _, err := h26x.Parse(t.Codec, t.Config); err == nil {
		l.now = sets
	}
}

// kind returns where in s the sets of a type of NAL unit are, or nil.
func (l *setList) kind(s *h26x.Sets, typ byte) *[][]byte {
	switch {
	case l.codec == media.H264 && typ == h26x.AVCSPS, l.codec == media.H265 && typ == h26x.HEVCSPS:
		return &s.SPS
	case l.codec == media.H264 && typ == h26x.AVCPPS, l.codec == media.H265 && typ == h26x.HEVCPPS:
		return &s.PPS
	case l.codec == media.H265 && typ == h26x.HEVCVPS:
		return &s.VPS
	}
	return nil
}

// take takes a unit if it is a parameter set.
func (l *setList) take(typ byte, b []byte) (taken bool, err error) {
	next := l.kind(&l.next, typ)
	if next == nil {
		return false, nil
	}
	if len(b) > maxSet {
		return true, fmt.Errorf("%w: a parameter set of %d bytes", ErrBadPacket, len(b))
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
func (l *setList) with(list [][]byte, b []byte) [][]byte {
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

// settle describes the track anew if the sets in front of a picture differ from what is known, and all are there.
func (l *setList) settle(d *Depacketizer, key bool) {
	if len(l.next.VPS)+len(l.next.SPS)+len(l.next.PPS) == 0 {
		return
	}
	was := l.now
	l.now.VPS = l.merge(l.now.VPS, l.next.VPS, key)
	l.now.SPS = l.merge(l.now.SPS, l.next.SPS, key)
	l.now.PPS = l.merge(l.now.PPS, l.next.PPS, key)
	l.next.VPS, l.next.SPS, l.next.PPS = l.next.VPS[:0], l.next.SPS[:0], l.next.PPS[:0]
	if l.now.Equal(was) {
		return
	}
	config := l.now.Config(l.codec)
	if config == nil || bytes.Equal(config, d.track.Config) {
		return
	}
	t := *d.track
	t.Config = config
	h26x.Describe(&t, l.now)
	d.track = &t
}

// merge returns the sets of a kind after those of a picture. A key picture brings all it needs, unless it only
// repeats; others may bring the one that has changed.
func (l *setList) merge(now, next [][]byte, key bool) [][]byte {
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
