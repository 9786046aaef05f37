package fmp4

import (
	"cmp"
	"time"

	"github.com/sluice-media/sluice/media"
)

// track is one of the file.
type track struct {
	*media.Track
	number uint32 // track_ID
	scale  uint32
}

// Carries reports whether fragmented MP4 carries a track: H.264, H.265, AV1, VP8, VP9, AAC, MP3, Opus and G.711. Those that
// need a Config have one.
func Carries(t *media.Track) bool {
	switch t.Codec {
	case media.H264, media.H265, media.AV1, media.AAC:
		return len(t.Config) > 0
	case media.VP8, media.VP9, media.MP3, media.Opus, media.G711A, media.G711U:
		return true
	}
	return false
}

// newTrack returns the track with a number.
func newTrack(t *media.Track, number uint32) *track {
	x := &track{Track: t, number: number, scale: videoScale}
	switch {
	case t.Codec == media.Opus:
		x.scale = 48000
	case t.Codec == media.G711A || t.Codec == media.G711U:
		x.scale = uint32(cmp.Or(max(t.SampleRate, 0), 8000))
	case !t.Codec.Video():
		x.scale = uint32(cmp.Or(max(t.SampleRate, 0), 44100))
	}
	return x
}

// usual is how long a sample lasts whose next one never comes, in units of the track.
func (t *track) usual(p *media.Packet) uint64 {
	switch t.Codec {
	case media.AAC:
		return aacFrame(t.Config, int(t.scale))
	case media.MP3:
		if t.scale < 32000 { // MPEG-2: a granule, not two
			return 576
		}
		return 1152
	case media.G711A, media.G711U:
		return uint64(max(len(p.Data)/max(t.Channels, 1), 1))
	case media.Opus:
		return units(20*time.Millisecond, t.scale)
	}
	if t.FPS > 1 {
		return uint64(max(float64(t.scale)/t.FPS, 1))
	}
	return units(40*time.Millisecond, t.scale)
}
