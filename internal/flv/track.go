package flv

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/mpegaudio"
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
	if codec == media.H264 || codec == media.H265 {
		var sets h26x.Sets
		if sets, lengthSize, err = h26x.Parse(codec, config); err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrBadTag, err)
		}
		h26x.Describe(t, sets)
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
		if f, err := mpegaudio.Parse(tg.data); err == nil {
			t.SampleRate, t.Channels = f.SampleRate, f.Channels
		}
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
