package mpegts

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/media"
)

// program takes the body of a PAT (13818-1, 2.4.4.3): the first program counts.
func (d *Demuxer) program(b []byte) error {
	for ; len(b) >= 4; b = b[4:] {
		if binary.BigEndian.Uint16(b) == 0 { // the network
			continue
		}
		if pid := binary.BigEndian.Uint16(b[2:]) & 0x1fff; pid != d.pmtPID {
			d.pmtPID, d.pmt = pid, section{}
		}
		return nil
	}
	return nil
}

// streamsOf takes the body of a PMT (2.4.4.8). Elementary streams that stay go on as they were.
func (d *Demuxer) streamsOf(b []byte) error {
	if len(b) < 4 {
		return nil
	}
	skip := 4 + int(binary.BigEndian.Uint16(b[2:])&0x0fff)
	if skip > len(b) || bytes.Equal(b[skip:], d.list) {
		return nil
	}
	b = b[skip:]
	d.list = b
	var now []*input
	for len(b) >= 5 && len(now) < maxProgramStreams {
		streamType, pid := b[0], binary.BigEndian.Uint16(b[1:])&0x1fff
		end := min(5+int(binary.BigEndian.Uint16(b[3:])&0x0fff), len(b))
		twice := slices.ContainsFunc(now, func(in *input) bool { return in.pid == pid })
		if in := d.input(pid, streamType, b[5:end]); in != nil && !twice {
			now = append(now, in)
		}
		b = b[end:]
	}
	before := d.tracks()
	d.streams = now
	return d.gate.Changed(d.complete(), len(d.tracks()) > 0 && len(before) != len(d.tracks()))
}

// input returns the elementary stream of a PID: that which there is, or a new one; nil for what is not taken.
func (d *Demuxer) input(pid uint16, streamType byte, descriptors []byte) *input {
	known := media.Track{ID: int(pid), Codec: CodecOf(streamType, descriptors)}
	for _, in := range d.streams {
		if in.pid == pid && in.codec == known.Codec {
			return in
		}
	}
	if known.Codec == media.Opus {
		DescribeOpus(&known, descriptors)
	}
	in := &input{pid: pid, codec: known.Codec}
	in.es = elementary.New(known, func(p *media.Packet) error { return d.emit(in, p) })
	if in.es == nil {
		d.leaveOutType(streamType)
		return nil
	}
	return in
}

// emit hands on a packet, behind the news of its track.
func (d *Demuxer) emit(in *input, p *media.Packet) error {
	d.packets++
	if d.failed = d.describe(in); d.failed == nil {
		d.failed = d.gate.Packet(p)
	}
	return d.failed
}

// CodecOf returns the codec of a stream type (2.4.4.9, table 2-34), or one that no elementary stream has.
func CodecOf(streamType byte, descriptors []byte) media.Codec {
	switch streamType {
	case 0x1b:
		return media.H264
	case 0x24:
		return media.H265
	case 0x0f, 0x11: // in ADTS, in LATM
		return media.AAC
	case 0x03, 0x04:
		return media.MP3
	case 0x90:
		return media.G711A
	case 0x91:
		return media.G711U
	case 0x06:
		if registered(descriptors, "Opus") {
			return media.Opus
		}
	}
	return media.RawRTP
}

// TypeName names stream types that are not taken.
func TypeName(streamType byte) string {
	names := map[byte]string{
		0x01: "MPEG-1 video", 0x02: "MPEG-2 video", 0x05: "private sections", 0x06: "private data", 0x10: "MPEG-4 video",
		0x15: "metadata", 0x33: "H.266", 0x81: "AC-3", 0x86: "SCTE 35", 0x87: "E-AC-3", 0x9d: "VP8", 0x9e: "VP9", 0x9f: "AV1",
	}
	if name, ok := names[streamType]; ok {
		return name
	}
	return "unknown"
}

// descriptor returns the first of a tag for which ok holds, without tag and length (2.6).
func descriptor(b []byte, tag byte, ok func([]byte) bool) []byte {
	for len(b) >= 2 {
		end := min(2+int(b[1]), len(b))
		if body := b[2:end]; b[0] == tag && ok(body) {
			return body
		}
		b = b[end:]
	}
	return nil
}

// registered reports whether there is a registration_descriptor (2.6.8) of a name.
func registered(descriptors []byte, name string) bool {
	return descriptor(descriptors, 5, func(b []byte) bool { return len(b) >= 4 && string(b[:4]) == name }) != nil
}

// DescribeOpus reads the channels of Opus (Opus in MPEG-TS, 4.3), and makes an OpusHead of them (RFC 7845, 5.1): of more than two, as
// the first mapping family orders them.
func DescribeOpus(t *media.Track, descriptors []byte) {
	t.SampleRate, t.Channels = 48000, 2
	extension := descriptor(descriptors, 0x7f, func(b []byte) bool { return len(b) >= 2 && b[0] == 0x80 })
	if extension != nil && extension[1] >= 1 && extension[1] <= 8 {
		t.Channels = int(extension[1])
	}
	const preSkip = 312 // what libopus has at 48 kHz
	t.Config = []byte{1, byte(t.Channels), preSkip & 0xff, preSkip >> 8, 0x80, 0xbb, 0, 0, 0, 0, 0}
	if t.Channels <= 2 {
		return
	}
	// RFC 7845, 5.1.1.2: the order of Vorbis, in coupled streams first.
	layout := [...]struct {
		streams, coupled byte
		mapping          []byte
	}{
		3: {2, 1, []byte{0, 2, 1}}, 4: {2, 2, []byte{0, 1, 2, 3}}, 5: {3, 2, []byte{0, 4, 1, 2, 3}},
		6: {4, 2, []byte{0, 4, 1, 2, 3, 5}}, 7: {4, 3, []byte{0, 4, 1, 2, 3, 5, 6}}, 8: {5, 3, []byte{0, 6, 1, 2, 3, 4, 5, 7}},
	}[t.Channels]
	t.Config[10] = 1
	t.Config = append(append(t.Config, layout.streams, layout.coupled), layout.mapping...)
}
