package mp4

import (
	"github.com/sluice-media/sluice/media"
)

// track is one that can be read.
type track struct {
	entries entries
	first   *media.Track // of the first sample
	number  uint32       // track_ID
	scale   uint32
	edit    edit
	table   table
	origin  int64    // what is added to decode times, in units
	boxes   trackBox // for Finish
}

// edit is what the edit list says (8.6.6), in units of the track.
type edit struct {
	delay int64 // nothing is shown before
	from  int64 // what of the media is shown then
}

// trackBox is what a trak box has.
type trackBox struct {
	tkhd, mdhd []byte
	hdlr       []byte // whole, as those that follow
	media      []byte // header and dinf of minf
	stsd       []byte
	rest       []byte // udta and the like
}

// parse takes a trak box apart.
func (x *trackBox) parse(trak []byte) {
	for b := range boxesIn(trak) {
		switch string(b.kind[:]) {
		case "tkhd":
			x.tkhd = b.body
		case "udta", "meta", "uuid":
			x.rest = append(x.rest, b.whole...)
		case "mdia":
			x.parseMedia(b.body)
		}
	}
}

func (x *trackBox) parseMedia(mdia []byte) {
	for b := range boxesIn(mdia) {
		switch string(b.kind[:]) {
		case "mdhd":
			x.mdhd = b.body
		case "hdlr":
			x.hdlr = b.whole
		case "minf":
			for b := range boxesIn(b.body) {
				if string(b.kind[:]) != "stbl" {
					x.media = append(x.media, b.whole...)
				}
			}
			x.stsd = find(b.body, "stbl", "stsd")
		}
	}
}

// trackID is that of a tkhd box (8.3.2).
func trackID(tkhd []byte) uint32 {
	f, version, _ := fullBox(tkhd)
	f.skip(8)
	if version == 1 {
		f.skip(8)
	}
	return f.u32()
}

// parseEdits reads an elst box: how long nothing is shown, and what comes then. Edits that follow are ignored.
func (t *track) parseEdits(elst []byte, movieScale uint32) {
	f, version, _ := fullBox(elst)
	delay := uint64(0)
	for range f.u32() {
		duration, from := f.sized(version), int64(0)
		if version == 1 {
			from = int64(f.u64())
		} else {
			from = int64(int32(f.u32()))
		}
		f.skip(4) // media_rate
		if f.short {
			break
		}
		if from >= 0 {
			if sane(from, maxEdit, t.scale) {
				t.edit.from = from
			}
			break
		}
		delay += min(duration, maxEdit<<32)
		if movieScale == 0 || delay > maxEdit*uint64(movieScale) {
			return
		}
		t.edit.delay = rescale(int64(delay), movieScale, t.scale)
	}
}

// rate is how many samples there are in a second, if they all last equally long but for the last and for a millisecond of
// rounding; else 0.
func (t *table) rate(scale uint32) float64 {
	if t.samples < 2 {
		return 0
	}
	low, high, n, sum := int64(1)<<32, int64(0), int64(0), int64(0)
	for i, r := range t.times {
		if i == len(t.times)-1 && len(t.times) > 1 {
			if r.count--; r.count == 0 {
				break
			}
		}
		low, high = min(low, int64(r.value)), max(high, int64(r.value))
		n, sum = n+int64(r.count), sum+int64(r.count)*int64(r.value)
	}
	if low == 0 || high-low > max(int64(scale)/1000+1, 1) || (high-low)*2 > low {
		return 0
	}
	return float64(n) * float64(scale) / float64(sum)
}
