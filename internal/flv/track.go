package flv

import (
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/sluice-media/sluice/media"
)

// The IDs of the tracks.
const (
	videoID = 1
	audioID = 2
)

// maxConfig bounds a decoder configuration.
const maxConfig = 64 << 10

// newVideo describes the track of a sequence header. lengthSize is that of NAL units in the tags to come.
func newVideo(codec media.Codec, config []byte) (t *media.Track, lengthSize int, err error) {
	if len(config) > maxConfig {
		return nil, 0, fmt.Errorf("%w: a configuration of %d bytes", ErrBadTag, len(config))
	}
	t = &media.Track{ID: videoID, Codec: codec, ClockRate: 90000, Config: config}
	lengthSize = 4
	switch codec {
	case media.H264:
		lengthSize, err = describeAVC(t)
	case media.H265:
		lengthSize, err = describeHEVC(t)
	}
	if err != nil {
		return nil, 0, err
	}
	if lengthSize != 4 { // the packets will have 4, and the configuration must say so
		at := 4
		if codec == media.H265 {
			at = 21
		}
		t.Config = append([]byte(nil), config...)
		t.Config[at] |= 3
	}
	return t, lengthSize, nil
}

// describeAVC reads avcC, ISO/IEC 14496-15, 5.3.3.1.
func describeAVC(t *media.Track) (lengthSize int, err error) {
	b := t.Config
	if len(b) < 7 || b[0] != 1 {
		return 0, fmt.Errorf("%w: avcC of %d bytes", ErrBadTag, len(b))
	}
	if b[5]&0x1f > 0 && len(b) >= 8 {
		n := int(binary.BigEndian.Uint16(b[6:]))
		if n > len(b)-8 {
			return 0, fmt.Errorf("%w: avcC ends early", ErrBadTag)
		}
		tryParse(func() {
			var sps h264.SPS
			if sps.Unmarshal(b[8:8+n]) == nil {
				t.Width, t.Height, t.FPS = sps.Width(), sps.Height(), sps.FPS()
			}
		})
	}
	return int(b[4]&3) + 1, nil
}

// describeHEVC reads hvcC, ISO/IEC 14496-15, 8.3.3.1.
func describeHEVC(t *media.Track) (lengthSize int, err error) {
	b := t.Config
	if len(b) < 23 {
		return 0, fmt.Errorf("%w: hvcC of %d bytes", ErrBadTag, len(b))
	}
	rest := b[23:]
	for range int(b[22]) {
		if len(rest) < 3 {
			return 0, fmt.Errorf("%w: hvcC ends early", ErrBadTag)
		}
		typ, count := rest[0]&0x3f, int(binary.BigEndian.Uint16(rest[1:]))
		rest = rest[3:]
		for range count {
			if len(rest) < 2 {
				return 0, fmt.Errorf("%w: hvcC ends early", ErrBadTag)
			}
			n := int(binary.BigEndian.Uint16(rest))
			if n > len(rest)-2 {
				return 0, fmt.Errorf("%w: hvcC ends early", ErrBadTag)
			}
			if typ == 33 {
				describeHEVCSPS(t, rest[2:2+n])
			}
			rest = rest[2+n:]
		}
	}
	return int(b[21]&3) + 1, nil
}

func describeHEVCSPS(t *media.Track, b []byte) {
	tryParse(func() {
		var sps h265.SPS
		if sps.Unmarshal(b) == nil {
			t.Width, t.Height, t.FPS = sps.Width(), sps.Height(), sps.FPS()
		}
	})
}

// newAudio describes the track of a configuration, or of a first frame where there is none.
func newAudio(tg tag) (*media.Track, error) {
	t := &media.Track{ID: audioID, Codec: tg.codec, SampleRate: 8000, Channels: 1}
	if tg.stereo {
		t.Channels = 2
	}
	if len(tg.data) > maxConfig && tg.kind == kindSequenceStart {
		return nil, fmt.Errorf("%w: a configuration of %d bytes", ErrBadTag, len(tg.data))
	}
	switch tg.codec {
	case media.AAC:
		if err := describeAAC(t, tg.data); err != nil {
			return nil, err
		}
	case media.Opus:
		t.SampleRate, t.Channels = 48000, 2
		if tg.kind == kindSequenceStart {
			describeOpus(t, tg.data)
		}
	case media.MP3:
		t.SampleRate = 44100
		tryParse(func() {
			var h mpeg1audio.FrameHeader
			if h.Unmarshal(tg.data) == nil {
				t.SampleRate, t.Channels = h.SampleRate, 2
				if h.ChannelMode == mpeg1audio.ChannelModeMono {
					t.Channels = 1
				}
			}
		})
	}
	t.ClockRate = t.SampleRate
	return t, nil
}

func describeAAC(t *media.Track, config []byte) error {
	if len(config) < 2 {
		return fmt.Errorf("%w: an AudioSpecificConfig of %d bytes", ErrBadTag, len(config))
	}
	t.Config = config
	t.SampleRate, t.Channels = 44100, 2
	tryParse(func() {
		var c mpeg4audio.AudioSpecificConfig
		if c.Unmarshal(config) == nil {
			t.SampleRate, t.Channels = c.SampleRate, int(c.ChannelConfig)
			if c.ChannelConfig == 7 { // ISO/IEC 14496-3, table 1.19: 7.1
				t.Channels = 8
			}
		}
	})
	return nil
}

// describeOpus reads an OpusHead, RFC 7845, 5.1, with its magic or without.
func describeOpus(t *media.Track, b []byte) {
	if len(b) >= 8 && string(b[:8]) == "OpusHead" {
		b = b[8:]
	}
	t.Config = b
	if len(b) >= 2 && b[1] > 0 {
		t.Channels = int(b[1])
	}
}

// tryParse calls a parser of a library, which must not take a session down whatever the bytes are.
func tryParse(fn func()) {
	defer func() { _ = recover() }()
	fn()
}
