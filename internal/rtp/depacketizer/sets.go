package depacketizer

import (
	"bytes"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// maxSets bounds the parameter sets of a kind.
const maxSets = 16

// setList collects parameter sets that come in band.
type setList struct {
	codec   media.Codec
	now     h26x.Sets
	changed bool
}

func (l *setList) init(t *media.Track) {
	l.codec = t.Codec
	if sets, _, err := h26x.Parse(t.Codec, t.Config); err == nil {
		l.now = sets
	}
}

// take takes a unit if it is a parameter set.
func (l *setList) take(typ byte, b []byte) bool {
	var list *[][]byte
	switch {
	case l.codec == media.H264 && typ == h26x.AVCSPS, l.codec == media.H265 && typ == h26x.HEVCSPS:
		list = &l.now.SPS
	case l.codec == media.H264 && typ == h26x.AVCPPS, l.codec == media.H265 && typ == h26x.HEVCPPS:
		list = &l.now.PPS
	case l.codec == media.H265 && typ == h26x.HEVCVPS:
		list = &l.now.VPS
	default:
		return false
	}
	id := setID(l.codec, typ, b)
	for i, old := range *list {
		if setID(l.codec, typ, old) == id {
			if !bytes.Equal(old, b) {
				l.replace(list, i, b)
			}
			return true
		}
	}
	if len(*list) < maxSets {
		l.replace(list, len(*list), b)
	}
	return true
}

// replace puts a set in place i of a list that others may hold.
func (l *setList) replace(list *[][]byte, i int, b []byte) {
	next := append([][]byte(nil), *list...)
	if i == len(next) {
		next = append(next, nil)
	}
	next[i] = bytes.Clone(b)
	*list = next
	l.changed = true
}

// settle describes the track anew if sets have changed, and all are there.
func (l *setList) settle(d *Depacketizer) {
	if !l.changed {
		return
	}
	config := l.now.Config(l.codec)
	if config == nil {
		return
	}
	l.changed = false
	if bytes.Equal(config, d.track.Config) {
		return
	}
	t := *d.track
	t.Config = config
	h26x.Describe(&t, l.now)
	d.track = &t
}

// setID returns the identifier of a parameter set, which is the first number in it; of an H.265 SPS, where it
// lies behind much else, there is taken to be one.
func setID(codec media.Codec, typ byte, b []byte) uint32 {
	switch {
	case codec == media.H265 && typ == h26x.HEVCVPS && len(b) > 2:
		return uint32(b[2] >> 4)
	case codec == media.H265 && typ == h26x.HEVCPPS && len(b) > 2:
		return golomb(b[2:])
	case codec == media.H264 && typ == h26x.AVCSPS && len(b) > 4:
		return golomb(b[4:])
	case codec == media.H264 && typ == h26x.AVCPPS && len(b) > 1:
		return golomb(b[1:])
	}
	return 0
}

// golomb reads an unsigned Exp-Golomb code of at most 15 bits (H.264, 9.1); what is longer counts as 0.
func golomb(b []byte) uint32 {
	bits := uint32(b[0]) << 8
	if len(b) > 1 {
		bits |= uint32(b[1])
	}
	zeros := 0
	for zeros < 8 && bits&(0x8000>>zeros) == 0 {
		zeros++
	}
	if zeros == 8 {
		return 0
	}
	return bits>>(15-2*zeros)&(1<<(zeros+1)-1) - 1
}
