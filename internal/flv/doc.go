// Package flv is the FLV container (Adobe's "Video File Format Specification", version 10.1, annex E) and its
// tag bodies, which RTMP carries too, with the codecs that Enhanced RTMP (v2) and common usage have added.
package flv

import (
	"errors"

	"github.com/sluice-media/sluice/media"
)

// The types of tags, and of the RTMP messages that carry their bodies.
const (
	TagAudio  = 8
	TagVideo  = 9
	TagScript = 18
)

var (
	// ErrBadTag says that a tag is broken. The ones after it may be used all the same.
	ErrBadTag = errors.New("flv: bad tag")
	// ErrUnsupported says that a tag is of a codec or form that is not known.
	ErrUnsupported = errors.New("flv: unsupported")
)

// The numbers of codecs in tags.
const (
	videoAVC  = 7
	videoHEVC = 12
	videoAV1  = 13
	videoVP8  = 14
	videoVP9  = 15

	audioMP3   = 2
	audioG711A = 7
	audioG711U = 8
	audioExtra = 9 // Enhanced RTMP: four letters follow
	audioAAC   = 10
	audioOpus  = 13
)

// The kinds of packets of Enhanced RTMP. Those of AVC and AAC in plain FLV are the same up to 2.
const (
	kindSequenceStart = 0
	kindFrames        = 1
	kindSequenceEnd   = 2
	kindFramesX       = 3 // frames without composition time
	kindMetadata      = 4
	kindMultitrack    = 6 // of video; of audio 5
	kindModEx         = 7
)

// fourCC returns the four letters of a codec, or "".
func fourCC(c media.Codec) string {
	switch c {
	case media.H264:
		return "avc1"
	case media.H265:
		return "hvc1"
	case media.AV1:
		return "av01"
	case media.VP8:
		return "vp08"
	case media.VP9:
		return "vp09"
	case media.Opus:
		return "Opus"
	case media.AAC:
		return "mp4a"
	case media.MP3:
		return ".mp3"
	}
	return ""
}

// videoCodec returns the codec of a number or of four letters.
func videoCodec(id byte, letters string) (media.Codec, bool) {
	switch {
	case id == videoAVC, letters == "avc1":
		return media.H264, true
	case id == videoHEVC, letters == "hvc1", letters == "hev1":
		return media.H265, true
	case id == videoAV1, letters == "av01":
		return media.AV1, true
	case id == videoVP8, letters == "vp08":
		return media.VP8, true
	case id == videoVP9, letters == "vp09":
		return media.VP9, true
	}
	return 0, false
}

func audioCodec(id byte, letters string) (media.Codec, bool) {
	switch {
	case id == audioAAC, letters == "mp4a":
		return media.AAC, true
	case id == audioMP3, letters == ".mp3":
		return media.MP3, true
	case id == audioG711A:
		return media.G711A, true
	case id == audioG711U:
		return media.G711U, true
	case id == audioOpus, letters == "Opus":
		return media.Opus, true
	}
	return 0, false
}
