package mp4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sort"
	"time"

	"github.com/sluice-media/sluice/media"
)

// ErrMixed says that files cannot be joined: a track of one continues none of the others.
var ErrMixed = errors.New("mp4: the files have tracks that do not continue each other")

// maxJoined is how many samples files that are joined have together: those of about 15 hours with pictures and sound. Each takes 12 bytes.
const maxJoined = 4 << 20

// Joiner makes one ordinary file of ranges of others. The zero value is ready to use, by one goroutine.
type Joiner struct {
	mvhd    []byte
	tracks  []*joined
	sources []io.ReaderAt
	bases   []int64 // where the bytes of each source would be, if all lay one behind the other
	bytes   int64   // of all sources
	samples int
	length  time.Duration
}

// joined is a track of the file that is made.
type joined struct {
	track
	codec   media.Codec
	entries [][]byte // its sample entries
	version []byte   // and what stsd begins with
}

// Add adds a range of a file behind what there is. Its media will be read from src, whose bytes are those of the file, so that the file
// itself is no longer needed. The error is [ErrMixed] or [ErrLong].
func (j *Joiner) Add(f *File, r Range, src io.ReaderAt) error {
	if j.mvhd == nil {
		j.mvhd = f.mvhd
	}
	own, err := j.match(f)
	if err != nil {
		return err
	}
	j.length += f.Ahead(r)
	for i, t := range f.tracks {
		first, end := f.interval(t, r)
		if first >= end {
			continue
		}
		if j.samples += int(end - first); j.samples > maxJoined {
			return ErrLong
		}
		p := position{track: t}
		p.seek(first)
		if err := own[i].append(&p, end, p.decoded()+f.shift-r.Start+j.length, j.bytes); err != nil {
			return err
		}
	}
	j.length += r.Length
	j.sources, j.bases = append(j.sources, src), append(j.bases, j.bytes)
	j.bytes += f.size
	return nil
}

// match finds the track that each of a file continues: the first that is free and has its codec.
func (j *Joiner) match(f *File) (own []*joined, err error) {
	taken := map[*joined]bool{}
	for _, t := range f.tracks {
		x := j.free(t.first.Codec, taken)
		if x == nil {
			for _, other := range j.tracks {
				if !taken[other] && other.codec.Video() == t.first.Codec.Video() || len(j.tracks) >= maxTracks {
					return nil, ErrMixed
				}
			}
			x = j.begin(t)
		}
		taken[x] = true
		own = append(own, x)
	}
	return own, nil
}

func (j *Joiner) free(codec media.Codec, taken map[*joined]bool) *joined {
	for _, x := range j.tracks {
		if x.codec == codec && !taken[x] {
			return x
		}
	}
	return nil
}

// begin adds a track that is like one of a file.
func (j *Joiner) begin(like *track) *joined {
	x := &joined{codec: like.first.Codec}
	x.number, x.scale, x.boxes = uint32(len(j.tracks)+1), like.scale, like.boxes
	x.version = x.boxes.stsd[:4]
	x.table.openForMore()
	j.tracks = append(j.tracks, x)
	return x
}

// append adds samples, the first of which begins at a time. base is where the bytes of their file would be.
func (x *joined) append(p *position, end uint32, begins time.Duration, base int64) error {
	known, err := x.describe(p.track.boxes.stsd)
	if err != nil {
		return err
	}
	from := p.track
	at, dts := max(unitsOf(begins, x.scale), 0), p.dts
	for ; p.sample < end && !p.end(); p.next() {
		x.table.goOn(at + rescale(p.dts-dts, from.scale, x.scale))
		x.table.addChunk(base+p.at, known[from.table.chunks[p.chunk].entry])
		x.table.add(sampleHead{
			size:     p.size(),
			duration: uint32(rescale(int64(p.time.value(from.table.times)), from.scale, x.scale)),
			composed: uint32(rescale(int64(int32(p.offset.value(from.table.offsets)))+from.table.lead, from.scale, x.scale)),
		}, p.sync())
	}
	return nil
}

// describe adds the sample entries of a file that are new, and returns which its own are now.
func (x *joined) describe(stsd []byte) (known []uint32, err error) {
	if !bytes.Equal(stsd[:4], x.version) {
		return nil, ErrMixed
	}
	for b := range boxesIn(stsd[8:]) {
		n := 0
		for n < len(x.entries) && !bytes.Equal(x.entries[n], b.whole) {
			n++
		}
		if n == len(x.entries) {
			if n == maxEntries {
				return nil, ErrMixed
			}
			x.entries = append(x.entries, b.whole)
		}
		known = append(known, uint32(n))
	}
	return known, nil
}

// Content returns the file: ftyp, moov with complete tables, and one mdat with the media in the order of the sources. Nothing can be added
// any more. It returns [ErrEmpty] if nothing was.
func (j *Joiner) Content() (*Content, error) {
	m := &movie{mvhd: j.mvhd}
	for _, x := range j.tracks {
		if x.table.samples > 0 {
			x.boxes.stsd = x.stsd()
			m.tracks = append(m.tracks, &x.track)
		}
	}
	if len(m.tracks) == 0 {
		return nil, ErrEmpty
	}
	p := newPlan(m, nil)
	front := p.front()
	c := &Content{front: front, size: int64(len(front))}
	for s := range p.stretches() {
		i := sort.Search(len(j.bases), func(i int) bool { return j.bases[i] > s.at }) - 1
		c.add(j.sources[i], s.at-j.bases[i], s.length)
	}
	return c, nil
}

// stsd returns the body of the stsd box.
func (x *joined) stsd() []byte {
	b := binary.BigEndian.AppendUint32(bytes.Clone(x.version), uint32(len(x.entries)))
	return append(b, bytes.Join(x.entries, nil)...)
}
