package flv

import (
	"bytes"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Sink is where a [Demuxer] puts what it finds; a *media.Publisher is one.
type Sink interface {
	SetTracks(tracks ...*media.Track) error
	SetMetadata(md map[string]any)
	WritePacket(p *media.Packet) error
}

const (
	// maxHeld, maxHeldBytes and maxWait bound how long packets are held back for a track that has not shown up.
	maxHeld      = 100
	maxHeldBytes = 16 << 20
	maxWait      = 3 * time.Second
)

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

	started   bool
	held      []*media.Packet
	heldBytes int
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
func NewDemuxer(s Sink) *Demuxer { return &Demuxer{sink: s, lengthSize: 4} }

// Started reports whether there are tracks, and packets have been let go.
func (d *Demuxer) Started() bool { return d.started }

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
		return d.packet(p)
	}
	p.Key = p.Key || startsHere(t.codec, t.data)
	if t.codec == media.AV1 {
		if p.Data = withoutDelimiter(t.data); len(p.Data) == 0 {
			return nil
		}
	}
	return d.packet(p)
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
		return d.tracksChanged(late)
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
	return d.packet(&media.Packet{Track: d.audio, DTS: stamp, PTS: stamp, Data: t.data})
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
	return d.tracksChanged(late)
}

// tracksChanged starts the stream if all tracks are there, or tells of one that came late.
func (d *Demuxer) tracksChanged(late bool) error {
	if !d.started {
		if d.complete() {
			return d.start()
		}
		return nil
	}
	if !late {
		return nil // its packets say so
	}
	return d.sink.SetTracks(d.tracks()...)
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

// packet passes a packet on, or holds it back.
func (d *Demuxer) packet(p *media.Packet) error {
	if d.started {
		return d.sink.WritePacket(p)
	}
	d.held = append(d.held, p)
	d.heldBytes += len(p.Data)
	if len(d.held) < maxHeld && d.heldBytes < maxHeldBytes && p.DTS-d.held[0].DTS < maxWait {
		return nil
	}
	return d.start()
}

// start declares the tracks and lets go of what was held back.
func (d *Demuxer) start() error {
	d.started = true
	held := d.held
	d.held = nil
	if err := d.sink.SetTracks(d.tracks()...); err != nil {
		return err
	}
	for _, p := range held {
		if err := d.sink.WritePacket(p); err != nil {
			return err
		}
	}
	return nil
}
