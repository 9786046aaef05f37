package flv

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
)

// tag is what the body of an audio or video tag says.
type tag struct {
	codec       media.Codec
	kind        byte // kindSequenceStart, kindFrames, or one to be left out
	key         bool
	composition time.Duration
	data        []byte // lies in the body
	stereo      bool   // of audio without configuration
}

// parseVideo reads the body of a video tag.
func parseVideo(b []byte) (tag, error) {
	if len(b) < 1 {
		return tag{}, fmt.Errorf("%w: empty video", ErrBadTag)
	}
	if b[0]&0x80 != 0 {
		return parseVideoEx(b)
	}
	frame, id := b[0]>>4, b[0]&0x0f
	codec, ok := videoCodec(id, "")
	if !ok {
		return tag{}, fmt.Errorf("%w: video codec %s", ErrUnsupported, videoName(id))
	}
	if frame == 5 { // a command to the player, no picture
		return tag{codec: codec, kind: kindMetadata}, nil
	}
	if len(b) < 5 {
		return tag{}, fmt.Errorf("%w: video of %d bytes", ErrBadTag, len(b))
	}
	return tag{codec: codec, kind: b[1], key: frame == 1, composition: composition(b[2:]), data: b[5:]}, nil
}

// parseVideoEx reads a video tag of Enhanced RTMP.
func parseVideoEx(b []byte) (tag, error) {
	t := tag{key: b[0]>>4&7 == 1, kind: b[0] & 0x0f}
	if b[0]>>4&7 == 5 && t.kind != kindMetadata {
		return tag{kind: kindMetadata}, nil
	}
	letters, rest, err := exHeader(&t, b[1:], kindMultitrack)
	if err != nil {
		return tag{}, err
	}
	codec, ok := videoCodec(0, letters)
	if !ok {
		return tag{}, fmt.Errorf("%w: video codec %q", ErrUnsupported, letters)
	}
	t.codec, t.data = codec, rest
	if t.kind == kindFrames && (codec == media.H264 || codec == media.H265) {
		if len(rest) < 3 {
			return tag{}, fmt.Errorf("%w: video of %d bytes", ErrBadTag, len(b))
		}
		t.composition, t.data = composition(rest), rest[3:]
	}
	if t.kind == kindFramesX {
		t.kind = kindFrames
	}
	return t, nil
}

// exHeader reads what is in front of the data in Enhanced RTMP: extensions, which are passed over, a track
// number, of which there may be one, and the four letters of the codec.
func exHeader(t *tag, b []byte, multitrack byte) (letters string, rest []byte, err error) {
	short := fmt.Errorf("%w: it ends in its header", ErrBadTag)
	for t.kind == kindModEx {
		if len(b) < 1 {
			return "", nil, short
		}
		n := int(b[0]) + 1
		b = b[1:]
		if n == 256 {
			if len(b) < 2 {
				return "", nil, short
			}
			n = int(binary.BigEndian.Uint16(b)) + 1
			b = b[2:]
		}
		if len(b) < n+1 {
			return "", nil, short
		}
		t.kind = b[n] & 0x0f
		b = b[n+1:]
	}
	tracks := t.kind == multitrack
	if tracks {
		if len(b) < 1 {
			return "", nil, short
		}
		if b[0]>>4 != 0 {
			return "", nil, fmt.Errorf("%w: several tracks in a tag", ErrUnsupported)
		}
		t.kind = b[0] & 0x0f
		b = b[1:]
	}
	n := 4
	if tracks {
		n = 5
	}
	if len(b) < n {
		return "", nil, short
	}
	if tracks && b[4] != 0 {
		return "", nil, fmt.Errorf("%w: track %d", ErrUnsupported, b[4])
	}
	return string(b[:4]), b[n:], nil
}

// composition reads 24 bits of milliseconds, signed.
func composition(b []byte) time.Duration {
	v := int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8) >> 8
	return time.Duration(v) * time.Millisecond
}

// multitrackAudio is kindMultitrack of audio.
const multitrackAudio = 5

// parseAudio reads the body of an audio tag.
func parseAudio(b []byte) (tag, error) {
	if len(b) < 1 {
		return tag{}, fmt.Errorf("%w: empty audio", ErrBadTag)
	}
	id := b[0] >> 4
	if id == audioExtra {
		t := tag{kind: b[0] & 0x0f}
		letters, rest, err := exHeader(&t, b[1:], multitrackAudio)
		if err != nil {
			return tag{}, err
		}
		codec, ok := audioCodec(0, letters)
		if !ok {
			return tag{}, fmt.Errorf("%w: audio codec %q", ErrUnsupported, letters)
		}
		t.codec, t.data = codec, rest
		if t.kind > kindFrames {
			t.kind = kindMetadata
		}
		return t, nil
	}
	codec, ok := audioCodec(id, "")
	if !ok {
		return tag{}, fmt.Errorf("%w: audio codec %s", ErrUnsupported, audioName(id))
	}
	t := tag{codec: codec, kind: kindFrames, data: b[1:], stereo: b[0]&1 != 0}
	if codec == media.AAC {
		if len(b) < 2 {
			return tag{}, fmt.Errorf("%w: AAC of %d bytes", ErrBadTag, len(b))
		}
		t.kind, t.data = b[1], b[2:]
	}
	return t, nil
}
