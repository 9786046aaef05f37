package mp4

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/sluice-media/sluice/media"
)

// groupSize is how many samples of sound that are one value each go into a packet.
const groupSize = 1024

// grouping returns how many samples of the file make one of ours, or 0 where they are the same. In QuickTime a sample of G.711
// is a single value.
func (c entries) grouping(s *sampleTable) uint32 {
	if c.singles(s.size) && len(s.stts) == 8 && lastValue(s.stts) == 1 && len(s.ctts) == 0 {
		return groupSize
	}
	return 0
}

// singles reports whether samples of a size are single values of G.711.
func (c entries) singles(size uint32) bool {
	e := c.get(0)
	return e != nil && (e.track.Codec == media.G711A || e.track.Codec == media.G711U) && size > 0 && int64(size) == int64(e.track.Channels)
}

// sound reads an AudioSampleEntry (12.2.3) or a sound description of QuickTime, which has more fields in versions 1 and 2. In a
// stsd box of version 1 an entry of version 1 is an AudioSampleEntryV1, which does not.
func sound(body []byte, codec media.Codec, boxVersion byte, scale uint32) *entry {
	f := &fields{b: body}
	f.skip(8)
	version := f.u16()
	f.skip(6)
	t := &media.Track{Codec: codec, Channels: int(f.u16())}
	f.skip(6)
	t.SampleRate = int(f.u32() >> 16)
	switch {
	case version == 1 && boxVersion == 0:
		f.skip(16)
	case version == 2:
		f.skip(4)
		t.SampleRate = wholeRate(math.Float64frombits(f.u64()))
		t.Channels = int(min(f.u32(), math.MaxUint16))
		f.skip(20)
	}
	if f.short {
		return nil
	}
	e := &entry{track: t}
	if t.SampleRate == 0 {
		t.SampleRate = int(scale)
	}
	if t.Channels == 0 {
		t.Channels = 1
	}
	if !e.describeSound(f.b) {
		return nil
	}
	t.ClockRate = t.SampleRate
	return e
}

// wholeRate is a sample rate that is sane, or 0.
func wholeRate(hz float64) int {
	if hz >= 1 && hz <= maxTimescale {
		return int(hz)
	}
	return 0
}

// describeSound reads what is in a sample entry besides its fields.
func (e *entry) describeSound(boxes []byte) bool {
	t := e.track
	switch t.Codec {
	case media.AAC:
		esds := find(boxes, "esds")
		if esds == nil {
			esds = find(boxes, "wave", "esds")
		}
		object, config := parseESDS(esds)
		switch {
		case object == 0x69 || object == 0x6b: // 14496-1, table 5
			t.Codec = media.MP3
		case object != 0x40 && (object < 0x66 || object > 0x68) || len(config) < 2 || len(config) > maxConfig:
			return false
		default:
			t.Config = bytes.Clone(config)
			describeAAC(t)
		}
	case media.Opus:
		t.SampleRate = 48000
		if t.Config = opusHead(find(boxes, "dOps")); t.Config == nil {
			return false
		}
		t.Channels = int(t.Config[1])
	}
	return true
}

// parseESDS reads the descriptor of an MPEG stream (14496-14, 5.6; 14496-1, 7.2.6.5).
func parseESDS(body []byte) (object byte, config []byte) {
	f, _, _ := fullBox(body)
	stream := &fields{b: descriptor(f, 3)}
	stream.skip(2)
	flags := stream.u8()
	if flags&0x80 != 0 {
		stream.skip(2)
	}
	if flags&0x40 != 0 {
		stream.skip(int(stream.u8()))
	}
	if flags&0x20 != 0 {
		stream.skip(2)
	}
	decoder := &fields{b: descriptor(stream, 4)}
	object = decoder.u8()
	decoder.skip(12)
	return object, descriptor(decoder, 5)
}

// descriptor returns what is in the next descriptor, nil if it is not one of a tag (14496-1, 8.3.3). One that says to be longer
// than what is there has that, as players have it.
func descriptor(f *fields, tag byte) []byte {
	if f.u8() != tag {
		return nil
	}
	n := 0
	for range 4 {
		b := f.u8()
		n = n<<7 | int(b&0x7f)
		if b&0x80 == 0 {
			break
		}
	}
	return f.bytes(min(n, len(f.b)))
}

// describeAAC reads an AudioSpecificConfig (14496-3, 1.6.2.1). What the library does not know, the sample entry has said.
func describeAAC(t *media.Track) {
	defer func() { _ = recover() }() // the library must not take a session down
	var c mpeg4audio.AudioSpecificConfig
	if c.Unmarshal(t.Config) != nil {
		return
	}
	t.SampleRate = c.SampleRate
	switch {
	case c.ChannelConfig == 7: // table 1.19
		t.Channels = 8
	case c.ChannelConfig > 0 && c.ChannelConfig < 7:
		t.Channels = int(c.ChannelConfig)
	}
}

// opusHead is the OpusHead (RFC 7845, 5.1) without its magic that says what a dOps box does (Opus in ISO BMFF, 4.3.2).
func opusHead(dops []byte) []byte {
	if len(dops) < 11 || len(dops) > maxConfig || dops[0] != 0 || dops[1] == 0 {
		return nil
	}
	b := []byte{1, dops[1]}
	b = binary.LittleEndian.AppendUint16(b, binary.BigEndian.Uint16(dops[2:]))
	b = binary.LittleEndian.AppendUint32(b, binary.BigEndian.Uint32(dops[4:]))
	b = binary.LittleEndian.AppendUint16(b, binary.BigEndian.Uint16(dops[8:]))
	return append(b, dops[10:]...)
}
