package media

import "log/slog"

// Codec is the coding of an elementary stream. The numbers are those of the API's codec_id.
type Codec int

// The codecs that tracks can have. Not every protocol carries every codec.
const (
	H264 Codec = iota
	H265
	AAC
	G711A
	G711U
	Opus
	L16
	VP8
	VP9
	AV1
	JPEG
	H266
	TS
	PS
	MP3
	ADPCM
)

// RawRTP is a codec that only RTP carries, passed through as it is: a packet's Data is one RTP packet
// (RFC 3550), its track's Config the lines of the SDP media section, and RTSP is the only way out.
const RawRTP Codec = -1

type codecInfo struct {
	name  string
	video bool
}

// info describes c as the API does.
func (c Codec) info() codecInfo {
	switch c {
	case H264:
		return codecInfo{"H264", true}
	case H265:
		return codecInfo{"H265", true}
	case AAC:
		return codecInfo{"mpeg4-generic", false}
	case G711A:
		return codecInfo{"PCMA", false}
	case G711U:
		return codecInfo{"PCMU", false}
	case Opus:
		return codecInfo{"opus", false}
	case L16:
		return codecInfo{"L16", false}
	case VP8:
		return codecInfo{"VP8", true}
	case VP9:
		return codecInfo{"VP9", true}
	case AV1:
		return codecInfo{"AV1", true}
	case JPEG:
		return codecInfo{"JPEG", true}
	case H266:
		return codecInfo{"H266", true}
	case TS:
		return codecInfo{"MP2T", true}
	case PS:
		return codecInfo{"MPEG", true}
	case MP3:
		return codecInfo{"MP3", false}
	case ADPCM:
		return codecInfo{"ADPCM", false}
	default:
		return codecInfo{"unknown", false}
	}
}

// String returns the API's codec_id_name, such as "H264" or "mpeg4-generic".
func (c Codec) String() string { return c.info().name }

// LogValue implements slog.LogValuer. It is what people call c: the API's name for AAC is that of its RTP payload.
func (c Codec) LogValue() slog.Value {
	if c == AAC {
		return slog.StringValue("AAC")
	}
	return slog.StringValue(c.String())
}

// Video reports whether c codes pictures.
func (c Codec) Video() bool { return c.info().video }
