package elementary

import "github.com/sluice-media/sluice/media"

// MaxOpusData bounds an access unit of Opus, which has 1275 bytes for each of at most 48 frames of 2.5 ms (RFC 6716, 3.2.5), so
// that its head stays small.
const MaxOpusData = 5000

// OpusLayout returns the channel_config_code of an Opus track (Opus in MPEG-TS, 4.3), which counts the channels.
func OpusLayout(t *media.Track) byte {
	if t.Channels < 1 || t.Channels > 8 {
		return 2
	}
	return byte(t.Channels)
}

// AppendOpusHead appends opus_control_header (Opus in MPEG-TS, 4.2) for an access unit of n bytes.
func AppendOpusHead(dst []byte, n int) []byte {
	dst = append(dst, 0x7f, 0xe0)
	for ; n >= 255; n -= 255 {
		dst = append(dst, 255)
	}
	return append(dst, byte(n))
}
