package flv

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// Encoder makes the bodies of tags. The zero value sends H.264, AAC, MP3 and G.711 as plain FLV does and the
// rest as Enhanced RTMP.
type Encoder struct {
	// Legacy sends H.265, AV1, VP8, VP9 and Opus by numbers that plain FLV does not have, for players of the
	// time before Enhanced RTMP.
	Legacy bool
}

// code returns how a codec is named in tags: by a number or by four letters. It returns neither if FLV has no
// such codec.
func (e Encoder) code(c media.Codec) (id byte, letters string) {
	switch c {
	case media.H264:
		return videoAVC, ""
	case media.AAC:
		return audioAAC, ""
	case media.MP3:
		return audioMP3, ""
	case media.G711A:
		return audioG711A, ""
	case media.G711U:
		return audioG711U, ""
	case media.H265:
		id = videoHEVC
	case media.AV1:
		id = videoAV1
	case media.VP8:
		id = videoVP8
	case media.VP9:
		id = videoVP9
	case media.Opus:
		id = audioOpus
	default:
		return 0, ""
	}
	if e.Legacy {
		return id, ""
	}
	return 0, fourCC(c)
}

// Carries reports whether FLV has the codec of a track.
func (e Encoder) Carries(t *media.Track) bool {
	id, letters := e.code(t.Codec)
	return id != 0 || letters != ""
}

// TagType returns TagAudio or TagVideo, or 0 if FLV has no such codec.
func (e Encoder) TagType(p *media.Packet) byte {
	id, letters := e.code(p.Track.Codec)
	switch {
	case id == 0 && letters == "":
		return 0
	case p.Track.Codec.Video():
		return TagVideo
	}
	return TagAudio
}

// BodySize returns how many bytes AppendBody appends.
func (e Encoder) BodySize(p *media.Packet) int {
	_, letters := e.code(p.Track.Codec)
	n := len(p.Data)
	switch {
	case p.Track.Codec == media.H265 && letters != "":
		return n + 8
	case p.Track.Codec.Video(), letters != "":
		return n + 5
	case p.Track.Codec == media.AAC:
		return n + 2
	}
	return n + 1
}

// AppendBody appends the body of a packet's tag.
func (e Encoder) AppendBody(dst []byte, p *media.Packet) []byte {
	if p.Track.Codec.Video() {
		dst = e.appendVideoHead(dst, p.Track.Codec, kindFrames, p.Key, p.PTS-p.DTS)
	} else {
		dst = e.appendAudioHead(dst, p.Track, kindFrames)
	}
	return append(dst, p.Data...)
}

// appendVideoHead appends what is in front of the data of a video tag.
func (e Encoder) appendVideoHead(dst []byte, c media.Codec, kind byte, key bool, composition time.Duration) []byte {
	frame := byte(2)
	if key {
		frame = 1
	}
	cts := composition / time.Millisecond
	id, letters := e.code(c)
	if letters == "" {
		return append(dst, frame<<4|id, kind, byte(cts>>16), byte(cts>>8), byte(cts))
	}
	dst = append(append(dst, 0x80|frame<<4|kind), letters...)
	if c == media.H265 && kind == kindFrames {
		dst = append(dst, byte(cts>>16), byte(cts>>8), byte(cts))
	}
	return dst
}

// appendAudioHead appends what is in front of the data of an audio tag.
func (e Encoder) appendAudioHead(dst []byte, t *media.Track, kind byte) []byte {
	id, letters := e.code(t.Codec)
	if letters != "" {
		return append(append(dst, audioExtra<<4|kind), letters...)
	}
	if t.Codec == media.AAC {
		return append(dst, audioAAC<<4|0x0f, kind) // always said to be 44 kHz, 16 bits, stereo
	}
	return append(dst, id<<4|soundRate(t.SampleRate)<<2|2|soundType(t.Channels))
}

func soundRate(hz int) byte {
	switch {
	case hz >= 44100:
		return 3
	case hz >= 22050:
		return 2
	case hz >= 11025:
		return 1
	}
	return 0
}

func soundType(channels int) byte {
	if channels > 1 {
		return 1
	}
	return 0
}

// AppendSequenceHeader appends the body of the tag that configures a track's decoder; nothing if the codec
// needs none.
func (e Encoder) AppendSequenceHeader(dst []byte, t *media.Track) []byte {
	id, letters := e.code(t.Codec)
	switch {
	case id == 0 && letters == "", len(t.Config) == 0, t.Codec == media.Opus && letters == "":
		return dst
	case t.Codec.Video():
		dst = e.appendVideoHead(dst, t.Codec, kindSequenceStart, true, 0)
	default:
		dst = e.appendAudioHead(dst, t, kindSequenceStart)
	}
	if t.Codec == media.Opus {
		dst = append(dst, "OpusHead"...)
	}
	return append(dst, t.Config...)
}
