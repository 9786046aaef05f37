package record

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// Kind is the form of a recording.
type Kind int

const (
	// MP4 is files whose index comes first.
	MP4 Kind = iota
	// FMP4 is fragmented MP4 files.
	FMP4
	// HLS is a playlist of MPEG-TS segments.
	HLS
	// HLSFMP4 is a playlist of fragmented MP4 segments.
	HLSFMP4
	// TS is MPEG-TS files.
	TS
)

// String returns what the kind is called in logs.
func (k Kind) String() string {
	names := [...]string{"mp4", "fmp4", "hls", "hls.fmp4", "ts"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Request asks to record a stream.
type Request struct {
	// Stream must be live. An empty VHost means hook.DefaultVHost.
	Stream media.StreamKey
	Kind   Kind
	// Dir is where to record, instead of the configured directory.
	Dir string
	// MaxDuration is the length at which a recording goes on in a new file. 0 means that of the stream's options.
	MaxDuration time.Duration
}

// ClipRequest asks for a file with what was and will be around now.
type ClipRequest struct {
	Stream media.StreamKey
	// Path of the file. One that is relative is below the directory of the stream's recordings. Config.MaxAge and MaxBytes do not concern it.
	Path string
	// Back is how far before now the clip begins, as far as that is known still; Forward how far after now it ends.
	Back, Forward time.Duration
}
