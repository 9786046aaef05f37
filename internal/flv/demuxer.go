package flv

import (
	"bytes"
	"time"

	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/media"
)

// Sink is where a [Demuxer] puts what it finds; a *media.Publisher is one.
type Sink interface {
	gate.Sink
	SetMetadata(md map[string]any)
}

// Demuxer turns tags into tracks and packets. Packets are held back, in their order, until it is known which
// tracks there are: what the metadata announces, or both kinds, or all that has come after a while. It is for
// one goroutine at a time.
type Demuxer struct {
	sink  Sink
	video *media.Track
	audio *media.Track

	lengthSize int         // of NAL units in video tags
	source     []byte      // the video configuration as sent
	expect     [2]forecast // video, audio

	gate *gate.Gate
}

// forecast is what is known of a kind of track before it has shown up.
type forecast int

const (
	unknown forecast = iota
	expected
	absent
)

const (
	kindVideo = 0
	kindAudio = 1
)

// NewDemuxer returns a demuxer that fills s.
func NewDemuxer(s Sink) *Demuxer {
	d := &Demuxer{sink: s, lengthSize: 4}
	d.gate = gate.New(s, d.tracks)
	return d
}

// Started reports whether there are tracks, and packets have been let go.
func (d *Demuxer) Started() bool { return d.gate.Opened() }

// Tag takes a tag. The body belongs to the packets from then on. Errors of the sink come back as they are;
// those that match [ErrBadTag] or [ErrUnsupported] speak of this tag only.
func (d *Demuxer) Tag(typ byte, stamp time.Duration, body []byte) error {
	switch typ {
	case TagVideo:
		return d.videoTag(stamp, body)
	case TagAudio:
		return d.audioTag(stamp, body)
	case TagScript:
		return d.script(body)
	}
	return nil
}

func (d *Demuxer) videoTag(stamp time.Duration, body []byte) error {
	t, err := parseVideo(body)
	if err != nil {
		return err
	}
	switch t.kind {
	case kindSequenceStart:
		return d.setVideo(t.codec, t.data)
	case kindFrames:
	default:
		return nil
	}
	if len(t.data) == 0 {
		return nil
	}
	if d.video == nil || d.video.Codec != t.codec {
		if t.codec == media.H264 || t.codec == media.H265 {
			return nil // it cannot be decoded without what the sequence header says
		}
		if err := d.setVideo(t.codec, nil); err != nil {
			return err
		}
	}
	p := &media.Packet{Track: d.video, DTS: stamp, PTS: stamp + t.composition, Key: t.key, Data: t.data}
	if t.codec == media.H264 || t.codec == media.H265 {
		data, key, empty, err := units(t.codec, t.data, d.lengthSize)
		if err != nil || empty {
			return err
		}
		p.Data, p.Key = data, p.Key || key
		return d.gate.Packet(p)
	}
	p.Key = p.Key || startsHere(t.codec, t.data)
	if t.codec == media.AV1 {
		if p.Data = withoutDelimiter(t.data); len(p.Data) == 0 {
			return nil
		}
	}
	return d.gate.Packet(p)
}

// setVideo takes a sequence header. One that is the same as before changes nothing.
func (d *Demuxer) setVideo(codec media.Codec, config []byte) error {
	if d.video != nil && d.video.Codec == codec && bytes.Equal(d.source, config) {
		return nil
	}
	if codec != media.H264 && codec != media.H265 || len(config) > 0 {
		t, size, err := newVideo(codec, config)
		if err != nil {
			return err
		}
		late := d.video == nil
		d.video, d.lengthSize, d.source = t, size, config
		return d.gate.Changed(d.complete(), late)
	}
	return nil
}

func (d *Demuxer) audioTag(stamp time.Duration, body []byte) error {
	t, err := parseAudio(body)
	if err != nil {
		return err
	}
	switch {
	case t.kind == kindSequenceStart:
		return d.setAudio(t)
	case t.kind != kindFrames || len(t.data) == 0:
		return nil
	}
	if d.audio == nil || d.audio.Codec != t.codec {
		if t.codec == media.AAC {
			return nil
		}
		if err := d.setAudio(t); err != nil {
			return err
		}
	}
	return d.gate.Packet(&media.Packet{Track: d.audio, DTS: stamp, PTS: stamp, Data: t.data})
}

func (d *Demuxer) setAudio(tg tag) error {
	t, err := newAudio(tg)
	if err != nil {
		return err
	}
	if d.audio != nil && d.audio.Codec == t.Codec && bytes.Equal(d.audio.Config, t.Config) {
		return nil
	}
	late := d.audio == nil
	d.audio = t
	return d.gate.Changed(d.complete(), late)
}

func (d *Demuxer) tracks() []*media.Track {
	var list []*media.Track
	if d.video != nil {
		list = append(list, d.video)
	}
	if d.audio != nil {
		list = append(list, d.audio)
	}
	return list
}

// complete reports whether every kind is there or known to be absent.
func (d *Demuxer) complete() bool {
	return (d.video != nil || d.expect[kindVideo] == absent) && (d.audio != nil || d.expect[kindAudio] == absent)
}
