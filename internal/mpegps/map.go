package mpegps

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxMap bounds a program_stream_map, in bytes: program_stream_map_length is at most 1018 (2.5.4.2).
	maxMap = 6 + 1018
	// minMap is one that tells of nothing.
	minMap = 16
)

// programMap takes a program_stream_map (2.5.4.1), and returns how many bytes it has: 0 if it takes more. It is read even if its checksum is
// wrong or missing, or its length is wrong: then it ends where the next start code is.
func (d *Demuxer) programMap(b []byte) (n int, err error) {
	if !d.has(b, minMap-4) { // a checksum there need not be
		return 0, nil
	}
	n = min(size16(b), maxMap)
	if inner := mapSize(b); inner != n && inner-4 != n {
		if inner <= maxMap {
			n = max(n, inner)
		}
		if at, found := nextCode(b[6:min(n, len(b))], true); found {
			n = 6 + at
		}
	}
	if !d.has(b, n) {
		return 0, nil
	}
	if n < minMap-4 {
		return n, nil
	}
	return n, d.streamsOf(mapStreams(b[:n]))
}

// mapSize is how many bytes a map has by what is in it, if that much has come.
func mapSize(b []byte) int {
	at := 10 + int(binary.BigEndian.Uint16(b[8:]))
	if at+2 > len(b) {
		return at + 2 + 4
	}
	return at + 2 + int(binary.BigEndian.Uint16(b[at:])) + 4
}

// mapStreams returns what a map says of elementary streams.
func mapStreams(b []byte) []byte {
	at := 10 + int(binary.BigEndian.Uint16(b[8:]))
	if at+2 > len(b) {
		return nil
	}
	list := b[at+2:]
	if n := int(binary.BigEndian.Uint16(b[at:])); n > 0 && n <= len(list) {
		return list[:n]
	}
	return list[:max(len(list)-4, 0)]
}

// entry is what a map says of an elementary stream.
type entry struct {
	streamType, id byte
	descriptors    []byte
}

// entries reads what a map says of elementary streams.
func entries(b []byte) (list []entry) {
	for len(b) >= 4 {
		end := min(4+int(binary.BigEndian.Uint16(b[2:])), len(b))
		e := entry{b[0], b[1], b[4:end]}
		twice := slices.ContainsFunc(list, func(other entry) bool { return other.id == e.id })
		if (isMedia(e.id) || e.id == privateID) && !twice {
			list = append(list, e)
		}
		b = b[end:]
	}
	return list
}

// streamsOf takes what a map says of elementary streams. Those that stay go on as they were, and those that no map tells of.
func (d *Demuxer) streamsOf(b []byte) error {
	switch {
	case len(b) < 4 || bytes.Equal(b, d.list):
		return nil
	case d.credit < mapCost:
		d.leftOut.Add(errRestless)
		return nil
	}
	d.credit -= mapCost
	list := entries(b)
	if len(list) == 0 {
		return nil
	}
	d.list, d.mapped = bytes.Clone(b), true
	before := len(d.tracks())
	var left []*input
	for _, in := range d.streams {
		stays := slices.ContainsFunc(list, func(e entry) bool { return e.id == in.id })
		if !stays && (in.declared || in.passed) {
			if err := d.settle(in, in.flush()); err != nil {
				return err
			}
			continue
		}
		left = append(left, in)
	}
	d.streams = left
	for _, e := range list {
		if err := d.declare(e); err != nil {
			return err
		}
	}
	return d.gate.Changed(d.complete(), len(d.tracks()) > 0 && before != len(d.tracks()))
}

// declare takes what a map says of an elementary stream.
func (d *Demuxer) declare(e entry) error {
	codec, name := codecOf(e)
	in := d.find(e.id)
	switch {
	case codec == media.RawRTP && name == "" || e.id == privateID && codec == media.RawRTP:
		return nil // as if it told nothing
	case in == nil:
		in = &input{id: e.id}
		d.streams = append(d.streams, in)
	case in.es != nil && in.codec == codec:
		in.declared = true
		return nil
	}
	in.declared, in.seen = true, false
	if in.passed = codec == media.RawRTP; in.passed {
		in.es, in.trial = nil, trial{}
		d.leftOut.Add(fmt.Errorf("mpegps: stream type %#02x (%s) is not taken", e.streamType, name))
		return nil
	}
	if d.taken() > maxStreams {
		in.passed = true
		d.leftOut.Add(fmt.Errorf("mpegps: more than %d elementary streams are not taken", maxStreams))
		return nil
	}
	known := media.Track{ID: int(e.id), Codec: codec}
	if codec == media.Opus {
		mpegts.DescribeOpus(&known, e.descriptors)
	}
	if err := d.settle(in, in.flush()); err != nil {
		return err
	}
	in.es, in.described = nil, false
	return d.start(in, known)
}

// taken is how many elementary streams are.
func (d *Demuxer) taken() (n int) {
	for _, in := range d.streams {
		if !in.passed {
			n++
		}
	}
	return n
}

// codecOf returns the codec of an elementary stream or, if it is none that is taken, its name, which is empty where a map tells as much as
// nothing.
func codecOf(e entry) (codec media.Codec, name string) {
	if codec = mpegts.CodecOf(e.streamType, e.descriptors); codec != media.RawRTP {
		return codec, ""
	}
	names := map[byte]string{ // those of GB/T 28181, annex C
		0x80: "SVAC video", 0x92: "G.722.1", 0x93: "G.723.1", 0x99: "G.729", 0x9b: "SVAC audio",
	}
	name, ok := names[e.streamType]
	if !ok {
		name = mpegts.TypeName(e.streamType)
	}
	if e.streamType == 0 || isVideo(e.id) && name == "unknown" {
		return codec, ""
	}
	return codec, name
}
