package publish

import (
	"encoding/binary"
	"io"
	"net/url"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// Chunk streams of the media.
const (
	audioChunks = 4
	videoChunks = 6
)

// rtmpForm makes the clip's chunks. All media has headers of type 1 (RTMP 1.0 section 5.3.1.2.2), which say how much
// later a message is than the one before it: the same bytes are right in every pass, and the stamps keep growing.
func rtmpForm(c *clip) *form {
	f := &form{length: c.length, greet: c.greetRTMP}
	var before [2]uint32 // the stamps of the last messages, of audio and video
	length := uint32(c.length.Milliseconds())
	for _, m := range c.frames {
		if track := trackOf(m); m.at+1 > before[track] {
			before[track] = m.at
		}
	}
	// The first message of a pass follows the last of the one before.
	for i := range before {
		before[i] -= length
	}
	for _, m := range c.frames {
		track := trackOf(m)
		f.data = appendChunks(f.data, m, m.at-before[track])
		before[track] = m.at
		if m.video {
			f.close(m.at, 0)
		}
	}
	f.stretch(0)
	return f
}

func trackOf(m frame) int {
	if m.video {
		return 1
	}
	return 0
}

// appendChunks appends a message that is delta ms later than the last of its track.
func appendChunks(b []byte, m frame, delta uint32) []byte {
	id, kind := byte(audioChunks), byte(wire.TypeAudio)
	if m.video {
		id, kind = videoChunks, wire.TypeVideo
	}
	n := len(m.body)
	b = append(b, 1<<6|id, byte(delta>>16), byte(delta>>8), byte(delta), byte(n>>16), byte(n>>8), byte(n), kind)
	return appendBody(b, id, m.body)
}

// appendBody cuts a message's body into chunks.
func appendBody(b []byte, id byte, body []byte) []byte {
	for len(body) > wire.PublishedChunkSize {
		b = append(append(b, body[:wire.PublishedChunkSize]...), 3<<6|id)
		body = body[wire.PublishedChunkSize:]
	}
	return append(b, body...)
}

// greetRTMP begins to publish and sends the sequence headers, in chunks of type 0 that set the clock to 0.
func (c *clip) greetRTMP(rw io.ReadWriter, u *url.URL) error {
	stream, err := wire.PublishRTMP(rw, u)
	if err != nil {
		return err
	}
	b := appendFirst(nil, videoChunks, wire.TypeVideo, stream, c.video)
	if c.audio != nil {
		b = appendFirst(b, audioChunks, wire.TypeAudio, stream, c.audio)
	}
	_, err = rw.Write(b)
	return err
}

func appendFirst(b []byte, id, kind byte, stream uint32, body []byte) []byte {
	n := len(body)
	b = append(b, id, 0, 0, 0, byte(n>>16), byte(n>>8), byte(n), kind)
	b = binary.LittleEndian.AppendUint32(b, stream)
	return appendBody(b, id, body)
}
