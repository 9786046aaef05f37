package watch

// kind says what a tag holds.
type kind int

const (
	frame  kind = iota // a coded picture or audio frame
	config             // a sequence header
	bare               // a coded frame of a codec that has no sequence header
	other              // metadata, end of sequence and the like
)

// Codecs of legacy video tags, FLV 10.1 section E.4.3.1, and the one HEVC encoders agreed on.
const (
	codecAVC  = 7
	codecHEVC = 12
)

// Sound formats of audio tags, section E.4.2.1 and enhanced RTMP v2.
const (
	soundEnhanced = 9
	soundAAC      = 10
)

// videoTag is a parsed video tag header.
type videoTag struct {
	kind kind
	key  bool
	hevc bool
	avc  bool
	data []byte
}

// parseVideo reads the header of a video tag, legacy or enhanced (enhanced RTMP v1, "ExVideoTagHeader").
func parseVideo(b []byte) (videoTag, error) {
	if len(b) == 0 {
		return videoTag{}, malformed("empty video message")
	}
	tag := videoTag{key: b[0]>>4&7 == 1}
	if b[0]>>4&7 == 5 {
		tag.kind = other // a command frame
		return tag, nil
	}
	if b[0]&0x80 != 0 {
		return enhancedVideo(tag, b)
	}
	return legacyVideo(tag, b)
}

func legacyVideo(tag videoTag, b []byte) (videoTag, error) {
	codec := b[0] & 0x0F
	tag.avc, tag.hevc = codec == codecAVC, codec == codecHEVC
	if !tag.avc && !tag.hevc {
		tag.kind, tag.data = bare, b[1:]
		return tag, malformedUnless(len(b) > 1, "video message without data")
	}
	if len(b) < 5 {
		return tag, malformed("video message of %d bytes", len(b))
	}
	tag.data = b[5:]
	switch b[1] {
	case 0:
		tag.kind = config
	case 1:
		tag.kind = frame
	case 2:
		tag.kind = other
	default:
		return tag, malformed("video packet type %d", b[1])
	}
	return tag, nil
}

func enhancedVideo(tag videoTag, b []byte) (videoTag, error) {
	if len(b) < 5 {
		return tag, malformed("enhanced video message of %d bytes", len(b))
	}
	fourCC := string(b[1:5])
	tag.avc, tag.hevc = fourCC == "avc1", fourCC == "hvc1"
	tag.data = b[5:]
	switch b[0] & 0x0F {
	case 0:
		tag.kind = config
	case 1:
		return tag.withComposition()
	case 3:
		tag.kind = frame
	case 2, 4:
		tag.kind = other
	default:
		return tag, malformed("enhanced video packet type %d", b[0]&0x0F)
	}
	return tag, nil
}

// withComposition skips the composition time that only codecs with NAL units carry in a CodedFrames packet.
func (tag videoTag) withComposition() (videoTag, error) {
	tag.kind = frame
	if !tag.avc && !tag.hevc {
		return tag, nil
	}
	if len(tag.data) < 3 {
		return tag, malformed("coded frames without composition time")
	}
	tag.data = tag.data[3:]
	return tag, nil
}

// nalLength reads the size of NAL unit lengths from an avcC or hvcC record, ISO/IEC 14496-15 sections 5.3.3 and 8.3.3.
func nalLength(tag videoTag) (int, error) {
	at := 21
	switch {
	case tag.avc:
		at = 4
	case !tag.hevc:
		return 0, nil
	}
	if len(tag.data) <= at {
		return 0, malformed("decoder configuration of %d bytes", len(tag.data))
	}
	return int(tag.data[at]&3) + 1, nil
}

// units walks the NAL units of a picture: the lengths must add up and a key frame must hold a random access picture.
func (t *track) units(tag videoTag) error {
	if len(tag.data) == 0 {
		return malformed("empty picture")
	}
	if t.nalLength == 0 {
		return nil
	}
	random := false
	for b := tag.data; len(b) > 0; {
		unit, rest, err := t.unit(b)
		if err != nil {
			return err
		}
		random = random || randomAccess(tag, unit[0])
		b = rest
	}
	return malformedUnless(!tag.key || random, "key frame without a random access picture")
}

func (t *track) unit(b []byte) (unit, rest []byte, err error) {
	if len(b) < t.nalLength {
		return nil, nil, malformed("%d bytes behind the last NAL unit", len(b))
	}
	n := 0
	for _, c := range b[:t.nalLength] {
		n = n<<8 | int(c)
	}
	b = b[t.nalLength:]
	if n == 0 || n > len(b) {
		return nil, nil, malformed("NAL unit of %d bytes in %d", n, len(b))
	}
	return b[:n], b[n:], nil
}

// randomAccess says whether the first byte of a NAL unit is that of an IDR (H.264) or IRAP (H.265) picture.
func randomAccess(tag videoTag, b byte) bool {
	if tag.hevc {
		t := b >> 1 & 0x3F
		return t >= 16 && t <= 23
	}
	return b&0x1F == 5
}

// parseAudio says what an audio message holds.
func parseAudio(b []byte) (kind, error) {
	if len(b) < 2 {
		return other, malformed("audio message of %d bytes", len(b))
	}
	switch b[0] >> 4 {
	case soundAAC:
		if b[1] == 0 {
			return config, nil
		}
		return frame, malformedUnless(b[1] == 1 && len(b) > 2, "AAC packet type %d in %d bytes", b[1], len(b))
	case soundEnhanced:
		return enhancedAudio(b)
	}
	return bare, nil
}

// enhancedAudio follows enhanced RTMP v2, "ExAudioTagHeader".
func enhancedAudio(b []byte) (kind, error) {
	if len(b) < 5 {
		return other, malformed("enhanced audio message of %d bytes", len(b))
	}
	switch b[0] & 0x0F {
	case 0:
		return config, nil
	case 1:
		return frame, malformedUnless(len(b) > 5, "empty audio frame")
	case 2, 4:
		return other, nil
	}
	return other, malformed("enhanced audio packet type %d", b[0]&0x0F)
}

// script checks that a script message begins with a name, an AMF0 string.
func script(b []byte) error {
	ok := len(b) >= 3 && b[0] == 2 && len(b) >= 3+int(b[1])<<8+int(b[2])
	return malformedUnless(ok, "script message without a name")
}

func malformedUnless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return malformed(format, args...)
}
