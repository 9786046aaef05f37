package mp4

import (
	"bytes"
	"math"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// longSilence is how long sound is missing at least where silence is put in its place.
	longSilence = 500 * time.Millisecond
	// longestFilled is how long a range is at most that is filled, and shortestFrame how long a frame is at least: they bound what is made
	// of a file that says anything.
	longestFilled = time.Minute
	shortestFrame = 5 * time.Millisecond
)

// silence fills what a range has no sound for: browsers wait for the sound behind a gap, which may be farther away than they load, and take a
// segment without any for one that has failed. The zero value fills nothing. Times are in units of the track, from its first sample.
type silence struct {
	sample     []byte // nothing is to be heard in it
	lasts      int64
	least      int64 // a gap that is shorter is not filled
	most       int64 // nor is more than this, of all
	from, to   int64 // the range
	begin, end int64 // the pictures of the file
}

// silenceFor returns what fills a range of a track.
func (f *File) silenceFor(t *track, r Range) (s silence) {
	if t.table.samples == 0 || r.Length > longestFilled {
		return s
	}
	e := t.entries.get(t.table.chunks[0].entry)
	if e == nil {
		return s
	}
	sample, lasts := e.silence()
	if s.lasts = unitsOf(lasts, t.scale); sample == nil || lasts < shortestFrame || s.lasts <= 0 {
		return silence{}
	}
	p := position{track: t}
	s.sample, s.least = sample, unitsOf(longSilence, t.scale)
	s.from, s.to = p.units(r.Start-f.shift), p.units(r.Start+r.Length-f.shift)
	if r.End >= f.lead().table.samples {
		s.to = math.MaxInt64 // sound behind the last picture is in the range
	}
	s.most = unitsOf(longestFilled, t.scale)
	s.begin, s.end = p.units(f.leadAt(0)-f.shift), p.units(f.leadAt(f.lead().table.samples)-f.shift)
	return s
}

// next is when the sample of a position begins; behind the last, when the pictures end.
func (s *silence) next(p *position) int64 {
	if p.end() {
		return s.end
	}
	return p.dts
}

// within returns what of a gap from one time to another is in the range and to be filled: from where on, and how many units.
func (s *silence) within(from, to int64) (at, units int64) {
	at, end := max(from, s.from), min(to, s.to)
	if s.sample == nil || to-from < s.least || end-at < s.lasts || end-at > s.most {
		return at, 0
	}
	return at, end - at
}

// silence returns a sample in which nothing is to be heard, and how long it lasts; nil if none is known.
func (e *entry) silence() (sample []byte, lasts time.Duration) {
	t := e.track
	switch t.Codec {
	case media.AAC:
		return silentAAC(t.Config, t.SampleRate)
	case media.Opus:
		return silentOpus(t.Channels)
	}
	return nil, 0
}

// silentOpus is 20 ms of CELT (RFC 6716, 3.1), as encoders make it of nothing.
func silentOpus(channels int) (sample []byte, lasts time.Duration) {
	switch channels {
	case 1:
		return []byte{0xf8, 0xff, 0xfe}, 20 * time.Millisecond
	case 2:
		return []byte{0xfc, 0xff, 0xfe}, 20 * time.Millisecond
	}
	return nil, 0
}

// The elements of a raw_data_block (ISO/IEC 14496-3, 4.4.2.1).
const (
	singleChannel, channelPair, lowFrequency, blockEnd = 0, 1, 3, 7
	// silentChannel is how many bits a channel without a spectrum has, which are all 0.
	silentChannel = 8 + 11 + 3
)

// silentAAC is a frame without a spectrum, of AAC-LC by an AudioSpecificConfig (1.6.2.1) that says what channels there are.
func silentAAC(config []byte, rate int) (sample []byte, lasts time.Duration) {
	const low, escape = 2, 15
	if len(config) < 2 || rate <= 0 || config[0]>>3 != low || config[0]&7<<1|config[1]>>7 == escape {
		return nil, 0
	}
	length := time.Duration(1024)
	if config[1]&4 != 0 {
		length = 960
	}
	elements := [...]string{ // table 1.19
		1: "\x00", 2: "\x01", 3: "\x00\x01", 4: "\x00\x01\x00", 5: "\x00\x01\x01", 6: "\x00\x01\x01\x03", 7: "\x00\x01\x01\x01\x03",
	}
	channels := int(config[1] >> 3 & 15)
	if channels == 0 || channels >= len(elements) {
		return nil, 0
	}
	b := &bitWriter{}
	var tags [blockEnd]uint32
	for _, id := range []byte(elements[channels]) {
		b.put(uint32(id), 3)
		b.put(tags[id], 4)
		tags[id]++
		if id == channelPair {
			b.put(0, 1) // no common window
			b.put(0, silentChannel)
		}
		b.put(0, silentChannel)
	}
	b.put(blockEnd, 3)
	return b.b, length * time.Second / time.Duration(rate)
}

// bitWriter writes bits, the first of which is the highest.
type bitWriter struct {
	b    []byte
	free int // bits of the last byte
}

func (w *bitWriter) put(value uint32, bits int) {
	for bits--; bits >= 0; bits-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(value>>bits&1) << w.free
	}
}

// fill appends samples of silence to a trun box that last so many units, and returns how many.
func (s *fragment) fill(q *silence, units, lead int64) (count uint32) {
	if units <= 0 {
		return 0
	}
	q.most -= units
	count = uint32(max(units/q.lasts, 1))
	for i := range count {
		lasts := q.lasts
		if i == count-1 {
			lasts = units - int64(count-1)*q.lasts
		}
		s.entry(uint32(lasts), uint32(len(q.sample)), true, uint32(lead))
	}
	all := bytes.Repeat(q.sample, int(count))
	s.media.add(bytes.NewReader(all), 0, int64(len(all)))
	return count
}
