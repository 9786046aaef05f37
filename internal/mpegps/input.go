package mpegps

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxStreams bounds the elementary streams that are taken of a program.
	maxStreams = 16
	// maxSize bounds what is kept of all elementary streams together, about, in bytes.
	maxSize = 4 * elementary.MaxUnit
)

// What it costs to begin with an elementary stream, or to take a map, is paid with bytes, so that those that change with each packet cost no
// memory to speak of: so many each, and what there is at most.
const (
	streamCost = 4 << 10
	mapCost    = 2 << 10
	maxCredit  = 64 * streamCost
)

// errRestless says that elementary streams are other ones again and again.
var errRestless = errors.New("mpegps: a stream that changes all the time is not taken")

// input is an elementary stream that comes in.
type input struct {
	id       byte // of its PES packets
	codec    media.Codec
	declared bool // a map tells of it
	seen     bool // a PES packet of it has come
	passed   bool // it is passed over
	es       *elementary.Stream
	trial    trial   // as long as there is no es
	aligner  aligner // of video

	described bool // its track is known
	timing
}

// track describes it; it is nil if that is not known yet.
func (in *input) track() *media.Track {
	if in.es == nil {
		return nil
	}
	return in.es.Track()
}

func (in *input) lose() {
	if isVideo(in.id) {
		in.trial.reset()
	}
	in.aligner = aligner{codec: in.codec}
	if in.es != nil {
		in.es.Lose()
	}
}

func (in *input) flush() error {
	if in.es == nil {
		return nil
	}
	return errors.Join(in.aligner.flush(in.es), in.es.Flush())
}

// expect says when a PES packet is due that has begun to come: it ends the picture under way if it begins another.
func (in *input) expect(at elementary.Stamp, payload []byte) error {
	if in.es == nil || !at.Given || len(in.aligner.carry) > 0 || !in.begins(payload) {
		return nil
	}
	return in.es.FlushBefore(at)
}

// push gives it a payload.
func (in *input) push(payload []byte, at elementary.Stamp) error {
	if !in.codec.Video() {
		return in.es.Push(payload, at)
	}
	return in.aligner.push(payload, at, in.es)
}

// begins reports whether a payload begins with a picture, as far as that is known.
func (in *input) begins(payload []byte) bool {
	if in.es == nil {
		return bytes.HasPrefix(payload, []byte{0, 0, 0, 1}) || bytes.HasPrefix(payload, []byte{0, 0, 1})
	}
	return beginsPicture(in.codec, payload)
}

// find returns the elementary stream of an ID; nil if there is none.
func (d *Demuxer) find(id byte) *input {
	for _, in := range d.streams {
		if in.id == id {
			return in
		}
	}
	return nil
}

// input returns the elementary stream whose PES packet begins with some payload. Of what no map tells the first of a kind is taken.
func (d *Demuxer) input(id byte, payload []byte) (*input, error) {
	in := d.find(id)
	if in == nil {
		same := func(other *input) bool { return !other.passed && isVideo(other.id) == isVideo(id) }
		in = &input{id: id, seen: true, codec: media.RawRTP}
		if d.streams = append(d.streams, in); slices.ContainsFunc(d.streams[:len(d.streams)-1], same) {
			d.dismiss(in)
		}
		return in, nil
	}
	if !in.seen {
		in.seen = true
		if err := d.prefer(in); err != nil {
			return nil, err
		}
	}
	if in.es == nil || in.codec != media.H264 && in.codec != media.H265 {
		return in, nil
	}
	if codec, ok := lookForSets(payload); ok && codec != in.codec { // whatever the map says
		return in, d.turn(in, codec)
	}
	return in, nil
}

// prefer takes an elementary stream of which a map tells instead of another of its kind that was there before the map.
func (d *Demuxer) prefer(in *input) error {
	if in.passed || !in.declared {
		return nil
	}
	before := len(d.tracks())
	for _, other := range d.streams {
		if !other.passed && !other.declared && isVideo(other.id) == isVideo(in.id) {
			if err := d.settle(other, other.flush()); err != nil {
				return err
			}
			d.dismiss(other)
		}
	}
	return d.gate.Changed(d.complete(), before != len(d.tracks()) && len(d.tracks()) > 0)
}

// dismiss passes over an elementary stream.
func (d *Demuxer) dismiss(in *input) {
	in.passed, in.es, in.trial = true, nil, trial{}
	d.leftOut.Add(fmt.Errorf("mpegps: the stream %#02x, one more of its kind of which no map tells, is not taken", in.id))
}

// turn makes another one of an elementary stream, whose codec has changed.
func (d *Demuxer) turn(in *input, codec media.Codec) error {
	if err := d.settle(in, in.flush()); err != nil {
		return err
	}
	had := in.track() != nil
	in.es, in.described = nil, false
	if err := d.start(in, media.Track{ID: int(in.id), Codec: codec}); err != nil {
		return err
	}
	return d.gate.Changed(d.complete(), had && len(d.tracks()) > 0)
}

// start takes an elementary stream whose codec is known, with what has come of it before.
func (d *Demuxer) start(in *input, known media.Track) error {
	if d.credit < streamCost {
		in.passed, in.es, in.trial = true, nil, trial{}
		d.leftOut.Add(errRestless)
		return nil
	}
	d.credit -= streamCost
	in.codec = known.Codec
	in.es = elementary.New(known, func(p *media.Packet) error { return d.emit(in, p) })
	in.aligner = aligner{codec: known.Codec}
	held := in.trial
	in.trial = trial{}
	for payload, at := range held.all() {
		if err := d.feed(in, payload, at); err != nil {
			return err
		}
	}
	return nil
}

// feed gives a payload to its elementary stream.
func (d *Demuxer) feed(in *input, payload []byte, at elementary.Stamp) error {
	switch {
	case in == nil || in.passed:
		return nil
	case in.es == nil && in.trial.full(payload):
		if err := d.decide(in, true); err != nil {
			return err
		}
		if in.es == nil {
			in.trial.reset()
		}
		return d.feed(in, payload, at)
	case in.es == nil:
		in.trial.add(payload, at, isVideo(in.id))
		return d.decide(in, false)
	case len(d.streams) > maxSize/elementary.MaxUnit && d.size() > maxSize:
		in.lose()
	}
	return d.settle(in, in.push(payload, at))
}

// size is how many bytes are kept of what is not whole yet.
func (d *Demuxer) size() (n int) {
	for _, in := range d.streams {
		if in.es != nil {
			n += in.es.Size()
		}
	}
	return n
}

// decide finds out which codec an elementary stream has that no map tells of. In the end it takes what is likely.
func (d *Demuxer) decide(in *input, end bool) error {
	if in.passed || in.es != nil || len(in.trial.marks) == 0 {
		return nil
	}
	codec, ok := in.trial.look(isVideo(in.id))
	if !ok && !isVideo(in.id) && (end || d.soundIsPlain(&in.trial)) {
		codec, ok = media.G711A, true
	}
	if !ok {
		return nil
	}
	return d.start(in, media.Track{ID: int(in.id), Codec: codec})
}

// soundIsPlain reports whether it is time to take sound that looks like nothing for G.711: when a map does not tell of it, or none can be
// expected.
func (d *Demuxer) soundIsPlain(t *trial) bool {
	n := len(t.marks)
	switch {
	case n < fewPayloads:
		return false
	case d.mapped:
		return true
	}
	pictures := false
	for _, in := range d.streams {
		if isVideo(in.id) {
			pictures = true
			if in.track() != nil { // a picture to begin with has come, where a map would have been
				return true
			}
		}
	}
	return !pictures && n >= somePayloads
}
