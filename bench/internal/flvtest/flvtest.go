// Package flvtest makes small FLV streams for the tests of the benchmark's parts.
package flvtest

import (
	"encoding/binary"
	"slices"
	"time"
)

// Tag types, FLV 10.1 section E.4.1.
const (
	Audio  = 8
	Video  = 9
	Script = 18
)

const (
	picture  = 40 // ms
	sound    = 23 // ms
	keyEvery = 10 // pictures
)

// Header is the FLV file header with the first tag size.
func Header() []byte { return []byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00") }

// Tag is one tag with the tag size behind it.
func Tag(kind byte, ms uint32, body []byte) []byte {
	b := []byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), byte(ms >> 16), byte(ms >> 8), byte(ms), byte(ms >> 24), 0, 0, 0}
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, uint32(len(b)))
}

// AVCConfig is the body of a video sequence header with 4-byte NAL unit lengths.
func AVCConfig() []byte { return []byte{0x17, 0, 0, 0, 0, 1, 77, 0, 31, 0xFF, 0xE0, 0} }

// AVCConfigWithSets is the same with the parameter sets of a real encoder, 1920x1080.
func AVCConfigWithSets() []byte {
	sps := []byte{
		0x67, 0x42, 0xC0, 0x28, 0xD9, 0x00, 0x78, 0x02, 0x27, 0xE5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
		0x00, 0xF0, 0x3C, 0x60, 0xC9, 0x20,
	}
	pps := []byte{0x68, 0xCE, 0x3C, 0x80}
	b := []byte{0x17, 0, 0, 0, 0, 1, sps[1], sps[2], sps[3], 0xFF}
	for _, set := range [][]byte{sps, pps} {
		b = append(b, 1, 0, byte(len(set)))
		b = append(b, set...)
	}
	b[10] |= 0xE0
	return b
}

// AACConfig is the body of an audio sequence header.
func AACConfig() []byte { return []byte{0xAF, 0, 0x12, 0x10} }

// AVCPicture is the body of a coded picture of one NAL unit with size bytes of payload.
func AVCPicture(key bool, size int) []byte {
	head, unit := byte(0x27), byte(0x41)
	if key {
		head, unit = 0x17, 0x65
	}
	b := []byte{head, 1, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(size+1))
	return append(append(b, unit), make([]byte, size)...)
}

// AACFrame is the body of an audio frame.
func AACFrame(size int) []byte { return append([]byte{0xAF, 1}, make([]byte, size)...) }

// Configs are the tags every player needs first.
func Configs() []byte {
	return slices.Concat(Tag(Script, 0, []byte{2, 0, 4, 'n', 'a', 'm', 'e'}), Tag(Video, 0, AVCConfig()), Tag(Audio, 0, AACConfig()))
}

// Media is d of 25 pictures a second, a key frame every 10, with audio between them, in the order of their stamps.
func Media(d time.Duration) []byte {
	var b []byte
	end := int(d.Milliseconds())
	for v, a := 0, 0; v < end; {
		if a <= v {
			b = append(b, Tag(Audio, uint32(a), AACFrame(100))...)
			a += sound
			continue
		}
		b = append(b, Tag(Video, uint32(v), AVCPicture(v/picture%keyEvery == 0, 1000))...)
		v += picture
	}
	return b
}

// File is a whole FLV file of d.
func File(d time.Duration) []byte { return slices.Concat(Header(), Configs(), Media(d)) }
