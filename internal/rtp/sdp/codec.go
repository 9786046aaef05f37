package sdp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// codecOf returns the codec of an encoding name in upper case (RFC 3551, 6; RFC 6184; RFC 7798; RFC 3640;
// RFC 6416; RFC 7587; RFC 7741; RFC 9628; and the payload format of AV1).
func codecOf(encoding string) (media.Codec, bool) {
	switch encoding {
	case "H264":
		return media.H264, true
	case "H265":
		return media.H265, true
	case "MPEG4-GENERIC", "MP4A-LATM":
		return media.AAC, true
	case "PCMA":
		return media.G711A, true
	case "PCMU":
		return media.G711U, true
	case "OPUS":
		return media.Opus, true
	case "L16":
		return media.L16, true
	case "MPA":
		return media.MP3, true
	case "VP8":
		return media.VP8, true
	case "VP9":
		return media.VP9, true
	case "AV1":
		return media.AV1, true
	case "JPEG":
		return media.JPEG, true
	}
	return media.RawRTP, false
}

func kindOf(codec media.Codec) string {
	if codec.Video() {
		return "video"
	}
	return "audio"
}

// defaultClock is for sections that do not say. AAC has none: its configuration says.
func defaultClock(codec media.Codec) int {
	switch codec {
	case media.G711A, media.G711U:
		return 8000
	case media.Opus:
		return 48000 // RFC 7587, 4.1
	case media.L16:
		return 44100
	case media.AAC, media.RawRTP:
		return 0
	}
	return 90000
}

func (m *Media) known() bool { return m.Track.Codec != media.RawRTP }

// describe fills in the track.
func (m *Media) describe(s section, encoding rtpmap) error {
	codec, ok := codecOf(m.Encoding)
	if !ok || codec == media.AAC && !carriesAAC(m.Params) {
		return m.describeRaw(s, encoding)
	}
	if m.ClockRate == 0 {
		m.ClockRate = defaultClock(codec)
	}
	m.Track = &media.Track{Codec: codec}
	if codec.Video() {
		m.Channels = 0
		m.describeVideo(s)
	} else if err := m.describeAudio(); err != nil {
		return err
	}
	m.Track.ClockRate = m.ClockRate
	return nil
}

func (m *Media) describeAudio() error {
	t := m.Track
	t.SampleRate, t.Channels = m.ClockRate, max(m.Channels, 1)
	switch t.Codec {
	case media.AAC:
		return m.describeAAC()
	case media.Opus: // RFC 7587, 4.1: always, whatever the stream has
		t.SampleRate, t.Channels = 48000, 2
	case media.MP3: // as everywhere else until a frame says
		t.SampleRate, t.Channels = 44100, 2
	}
	return nil
}

// describeRaw makes m a track that RTP alone carries. Its configuration are the lines to write it again with.
func (m *Media) describeRaw(s section, encoding rtpmap) error {
	if m.ClockRate == 0 {
		return errors.New("no clock rate")
	}
	kind, _, _ := s.mline()
	var b strings.Builder
	fmt.Fprintf(&b, "m=%s\na=rtpmap:%d %s\n", kind, m.PayloadType, encoding.append(nil))
	for _, params := range s.of("fmtp", m.PayloadType) {
		if params != "" {
			fmt.Fprintf(&b, "a=fmtp:%d %s\n", m.PayloadType, params)
		}
	}
	m.Track = &media.Track{Codec: media.RawRTP, ClockRate: m.ClockRate, Config: []byte(b.String())}
	return nil
}
