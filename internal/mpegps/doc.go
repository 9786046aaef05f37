// Package mpegps takes MPEG-2 program streams (ISO/IEC 13818-1, 2.5) apart as cameras and recorders of GB/T 28181 send them, which is
// seldom by the book: see [Demuxer]. It makes them, too: see [Muxer].
package mpegps

// The last byte of the start codes that are looked for (13818-1, tables 2-22 and 2-33 to 2-38).
const (
	endCode     = 0xb9 // MPEG_program_end_code
	packCode    = 0xba
	systemCode  = 0xbb
	mapCode     = 0xbc // program_stream_map
	privateID   = 0xbd // private_stream_1
	private2ID  = 0xbf // private_stream_2
	firstSound  = 0xc0
	firstVideo  = 0xe0
	lastVideo   = 0xef
	systemFirst = endCode // NAL units of H.264 and H.265 have none that is as high
)

// isVideo reports whether PES packets of a stream ID are those of video.
func isVideo(id byte) bool { return id >= firstVideo && id <= lastVideo }

// isMedia reports whether a stream ID is one of sound or video.
func isMedia(id byte) bool { return id >= firstSound && id <= lastVideo }
