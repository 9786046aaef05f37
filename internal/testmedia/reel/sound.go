package reel

import (
	"bytes"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/stretchr/testify/require"
)

// frame is how long a packet of Opus and G.711 is.
const frame = 20 * time.Millisecond

// readG711 cuts a file of nothing but samples.
func readG711(_ testing.TB, c *Clip) {
	c.Track.ClockRate, c.Track.SampleRate, c.Track.Channels = 8000, 8000, 1
	const size = 8000 * int(frame/time.Millisecond) / 1000
	for i := 0; i < len(c.Data); i += size {
		c.add(time.Duration(i/size)*frame, false, c.Data[i:min(i+size, len(c.Data))])
	}
}

// readMP3 cuts a file of nothing but frames.
func readMP3(t testing.TB, c *Clip) {
	t.Helper()
	samples := 0
	for b := c.Data; len(b) > 0; {
		var h mpeg1audio.FrameHeader
		require.NoError(t, h.Unmarshal(b))
		c.Track.ClockRate, c.Track.SampleRate, c.Track.Channels = h.SampleRate, h.SampleRate, 1
		size := h.SampleCount() / 8 * h.Bitrate / h.SampleRate // FrameLen is twice that of MPEG-2
		if h.Padding {
			size++
		}
		c.add(time.Duration(samples)*time.Second/time.Duration(h.SampleRate), false, b[:size])
		samples += h.SampleCount()
		b = b[size:]
	}
}

// readOgg takes the packets out of pages (RFC 3533, 6). The first two are OpusHead and OpusTags (RFC 7845, 3).
func readOgg(t testing.TB, c *Clip) {
	t.Helper()
	const pageHead, full = 27, 255
	var packets [][]byte
	var packet []byte
	for b := c.Data; len(b) > 0; {
		require.True(t, bytes.HasPrefix(b, []byte("OggS")))
		sizes := b[pageHead:][:b[pageHead-1]]
		b = b[pageHead+len(sizes):]
		for _, size := range sizes {
			packet = append(packet, b[:size]...)
			b = b[size:]
			if size < full {
				packets = append(packets, packet)
				packet = nil
			}
		}
	}
	head, ok := bytes.CutPrefix(packets[0], []byte("OpusHead"))
	require.True(t, ok)
	c.Track.Config, c.Track.ClockRate, c.Track.SampleRate, c.Track.Channels = head, 48000, 48000, int(head[1])
	for i, p := range packets[2:] {
		c.add(time.Duration(i)*frame, false, p)
	}
}
