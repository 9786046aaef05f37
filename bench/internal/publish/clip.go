package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// frame is a picture or audio frame of the clip.
type frame struct {
	video bool
	key   bool
	at    uint32 // ms
	body  []byte // that of the FLV tag
}

// clip is an FLV file of H.264 with or without AAC, taken apart.
type clip struct {
	video, audio []byte // the bodies of the sequence headers; audio may be nil
	frames       []frame
	length       time.Duration
}

// parseClip reads an FLV file.
func parseClip(file []byte) (*clip, error) {
	c := &clip{}
	source := wire.NewFLV(bytes.NewReader(file))
	for {
		m, err := source.Next()
		if errors.Is(err, io.EOF) {
			return c, c.complete()
		}
		if err != nil {
			return nil, err
		}
		m.Body = bytes.Clone(m.Body)
		if err := c.add(m); err != nil {
			return nil, err
		}
	}
}

func (c *clip) add(m wire.Message) error {
	switch m.Type {
	case wire.TypeVideo:
		return c.picture(m)
	case wire.TypeAudio:
		return c.sound(m)
	}
	return nil
}

func (c *clip) picture(m wire.Message) error {
	if len(m.Body) < 5 || m.Body[0]&0x8F != 7 {
		return errors.New("publish: the clip's video is not H.264")
	}
	switch m.Body[1] { // the end of the sequence, 2, is left out: there is none
	case 0:
		c.video = m.Body
	case 1:
		c.frames = append(c.frames, frame{video: true, key: m.Body[0]>>4 == 1, at: m.Time, body: m.Body})
	}
	return nil
}

func (c *clip) sound(m wire.Message) error {
	if len(m.Body) < 3 || m.Body[0]>>4 != 10 {
		return errors.New("publish: the clip's audio is not AAC")
	}
	if m.Body[1] == 0 {
		c.audio = m.Body
		return nil
	}
	c.frames = append(c.frames, frame{at: m.Time, body: m.Body})
	return nil
}

// complete checks that there is something to send and finds out how long it takes: up to the last picture's end. What
// the audio is longer goes, because the clip has to begin again then.
func (c *clip) complete() error {
	var last, interval uint32
	for _, f := range c.frames {
		if f.video {
			interval, last = max(interval, f.at-last), f.at
		}
	}
	if c.video == nil || interval == 0 || !c.firstPicture().key {
		return errors.New("publish: the clip needs a sequence header, several pictures, and a key frame first")
	}
	length := last + interval
	kept := c.frames[:0]
	for _, f := range c.frames {
		if f.at < length {
			kept = append(kept, f)
		}
	}
	c.frames, c.length = kept, time.Duration(length)*time.Millisecond
	return nil
}

func (c *clip) firstPicture() frame {
	for _, f := range c.frames {
		if f.video {
			return f
		}
	}
	return frame{}
}

// units cuts a picture into its NAL units, which have lengths of four bytes before them.
func (f frame) units() ([][]byte, error) {
	var out [][]byte
	for b := f.body[5:]; len(b) > 0; {
		if len(b) < 4 {
			return nil, errors.New("publish: a picture is cut short")
		}
		n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if n == 0 || n > len(b)-4 {
			return nil, fmt.Errorf("publish: a NAL unit of %d bytes in %d", n, len(b)-4)
		}
		out = append(out, b[4:4+n])
		b = b[4+n:]
	}
	return out, nil
}
