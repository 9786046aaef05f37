package mpegps

import (
	"bytes"
	"iter"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/mpegaudio"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxTrial bounds what is kept of an elementary stream of which nobody knows what it is, in bytes, and maxPayloads how many payloads.
	maxTrial    = 64 << 10
	maxPayloads = 100
	// fewPayloads are too few to tell what sound is no AAC or MP3, and somePayloads enough where there are no pictures.
	fewPayloads, somePayloads = 3, 10
	// maxSoundLook bounds where the first frame of sound is looked for.
	maxSoundLook = 4 << 10
)

// trial is what has come of an elementary stream of which nobody knows what it is.
type trial struct {
	buf    []byte
	marks  []mark
	looked int // how many bytes have told nothing
}

// mark is where a payload begins.
type mark struct {
	from int
	at   elementary.Stamp
}

// reset begins anew.
func (t *trial) reset() { t.buf, t.marks, t.looked = t.buf[:0], t.marks[:0], 0 }

// full reports whether a payload would be too much.
func (t *trial) full(b []byte) bool {
	return len(t.marks) >= maxPayloads || len(t.buf)+len(b) > maxTrial && len(t.buf) > 0
}

// add keeps a payload. One of video without a stamp is more of the one before.
func (t *trial) add(b []byte, at elementary.Stamp, video bool) {
	if video && !at.Given && len(t.marks) > 0 {
		t.buf = append(t.buf, b...)
		return
	}
	t.marks = append(t.marks, mark{len(t.buf), at})
	t.buf = append(t.buf, b...)
}

// all yields the payloads.
func (t *trial) all() iter.Seq2[[]byte, elementary.Stamp] {
	return func(yield func([]byte, elementary.Stamp) bool) {
		for i, m := range t.marks {
			end := len(t.buf)
			if i+1 < len(t.marks) {
				end = t.marks[i+1].from
			}
			if !yield(t.buf[m.from:end], m.at) {
				return
			}
		}
	}
}

// look finds out what it is, if that is clear.
func (t *trial) look(video bool) (codec media.Codec, ok bool) {
	if !video {
		first := len(t.buf)
		if len(t.marks) > 1 {
			first = t.marks[1].from
		}
		codec, t.looked, ok = lookForFrames(t.buf, t.looked, first)
		return codec, ok
	}
	codec, ok = lookForSets(t.buf[t.looked:])
	t.looked = max(len(t.buf)-setSize, 0)
	return codec, ok
}

// setSize is how many bytes from its start code on tell a parameter set.
const setSize = 6

// lookForSets tells H.264 from H.265 by the first parameter set in a byte stream: neither has a unit that begins as one of the other's.
func lookForSets(b []byte) (codec media.Codec, ok bool) {
	for {
		at := bytes.Index(b, []byte{0, 0, 1})
		if at < 0 || len(b) < at+setSize {
			return 0, false
		}
		b = b[at+3:]
		switch hevc := h26x.UnitType(media.H265, b[0]); {
		case (hevc == h26x.HEVCVPS || hevc == h26x.HEVCSPS) && b[0]&0x81 == 0 && b[1] == 1:
			return media.H265, true
		case b[0]&0x9f == h26x.AVCSPS && b[0] != h26x.AVCSPS && b[2]&3 == 0 && b[1] > 1:
			return media.H264, true
		}
	}
}

// lookForFrames tells AAC in ADTS or LATM, and MP3, by two frames on end, or a whole one that is the first payload. It looks from a place on, and
// returns up to where nothing is that can still turn out to be one.
func lookForFrames(b []byte, from, first int) (codec media.Codec, looked int, ok bool) {
	for at := from; at < min(len(b), maxSoundLook); at++ {
		if b[at] != 0xff && b[at] != 0x56 {
			continue
		}
		if len(b)-at < soundHead {
			return 0, at, false
		}
		for _, form := range [...]struct {
			codec media.Codec
			size  func([]byte) int
		}{{media.AAC, adtsSize}, {media.AAC, latmSize}, {media.MP3, mp3Size}} {
			size := form.size(b[at:])
			switch {
			case size == 0:
				continue
			case at == 0 && size == first:
				return form.codec, at, true
			case at+size+soundHead > len(b):
				return 0, at, false
			case form.size(b[at+size:]) > 0:
				return form.codec, at, true
			}
		}
	}
	return 0, min(len(b), maxSoundLook), false
}

// soundHead is how many bytes it takes to tell what a frame is.
const soundHead = 7

// adtsSize returns how many bytes the frame behind an ADTS header has (ISO/IEC 13818-7, 6.2); 0 if b does not begin with one.
func adtsSize(b []byte) int {
	if len(b) < 7 || b[0] != 0xff || b[1]&0xf6 != 0xf0 || b[2]>>2&0xf > 12 {
		return 0
	}
	if size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5; size > 7 {
		return size
	}
	return 0
}

// latmSize returns how many bytes the element of an AudioSyncStream has that b begins with (ISO/IEC 14496-3, table 1.36); 0 if it does not.
func latmSize(b []byte) int {
	if len(b) < 3 || b[0] != 0x56 || b[1]&0xe0 != 0xe0 {
		return 0
	}
	if size := 3 + (int(b[1]&0x1f)<<8 | int(b[2])); size > 4 {
		return size
	}
	return 0
}

// mp3Size returns how many bytes the frame of MP3 has that b begins with; 0 if it does not.
func mp3Size(b []byte) int {
	if len(b) < mpegaudio.Header || b[0] != 0xff || b[1]&0xe6 != 0xe2 || b[1]>>3&3 == 1 || b[2]>>4 == 0 || b[2]>>4 == 15 || b[2]>>2&3 == 3 {
		return 0 // no synchronization, no layer III, or what no header has
	}
	f, err := mpegaudio.Parse(b)
	if err != nil {
		return 0
	}
	return f.Size
}
