package wire

import (
	"encoding/binary"
	"io"
	"net/url"
)

// PublishedChunkSize is the chunk size a publisher announces: that of ffmpeg.
const PublishedChunkSize = 60000

// PublishRTMP performs handshake, connect, createStream and publish (RTMP 1.0 section 7.2.2.6), returns the id of the
// message stream to send media on, and announces PublishedChunkSize.
func PublishRTMP(rw io.ReadWriter, u *url.URL) (uint32, error) {
	app, stream := splitPath(u)
	c := &RTMP{w: rw, chunks: newChunkReader(rw)}
	echo, err := c.handshake()
	if err != nil {
		return 0, err
	}
	if err := c.connect(echo, u, app); err != nil {
		return 0, err
	}
	id, err := c.createStream()
	if err != nil {
		return 0, err
	}
	return id, c.publish(stream, id)
}

func (c *RTMP) publish(stream string, id uint32) error {
	if err := c.write(appendMessage(nil, 8, typeCommand, id, appendAMF(nil, "publish", 3.0, nil, stream, "live"))); err != nil {
		return err
	}
	for {
		m, err := c.message()
		if err != nil {
			return err
		}
		code, err := statusOf(m)
		if err != nil {
			return err
		}
		if code == "NetStream.Publish.Start" {
			size := binary.BigEndian.AppendUint32(nil, PublishedChunkSize)
			return c.write(appendMessage(nil, 2, typeChunkSize, 0, size))
		}
	}
}
