// Package mpegaudio reads the headers of frames of MPEG audio (ISO/IEC 11172-3, 2.4.1.3, and 13818-3).
package mpegaudio

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
)

// Header is how many bytes of a frame it takes to read what it says.
const Header = 5

// Frame is what the header of one says.
type Frame struct {
	// Size is how many bytes it has, its header included: at least Header.
	Size int
	// Samples is how many it has of each channel, SampleRate how many there are in a second.
	Samples, SampleRate int
	Channels            int
}

// Parse reads the header that b begins with, of layer II or III. It needs [Header] bytes.
func Parse(b []byte) (f Frame, err error) {
	defer func() { // a library's parser must not take a session down whatever the bytes are
		if r := recover(); r != nil {
			err = fmt.Errorf("mpegaudio: %v", r)
		}
	}()
	if len(b) < Header {
		return f, fmt.Errorf("mpegaudio: a frame of %d bytes", len(b))
	}
	var h mpeg1audio.FrameHeader
	if err := h.Unmarshal(b); err != nil {
		return f, fmt.Errorf("mpegaudio: %w", err)
	}
	f = Frame{Samples: h.SampleCount(), SampleRate: h.SampleRate, Channels: 2}
	if h.ChannelMode == mpeg1audio.ChannelModeMono {
		f.Channels = 1
	}
	if h.SampleRate <= 0 || h.Bitrate <= 0 || f.Samples <= 0 {
		return f, fmt.Errorf("mpegaudio: %d samples at %d Hz and %d bit/s", f.Samples, h.SampleRate, h.Bitrate)
	}
	f.Size = f.Samples / 8 * h.Bitrate / h.SampleRate // h.FrameLen is that of MPEG-1 alone
	if h.Padding {
		f.Size++
	}
	if f.Size < Header {
		return f, fmt.Errorf("mpegaudio: a frame of %d bytes", f.Size)
	}
	return f, nil
}
