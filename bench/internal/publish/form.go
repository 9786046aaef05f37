package publish

import (
	"io"
	"net/url"
	"time"
)

// form is the clip in the bytes of a protocol, to be sent over and over.
type form struct {
	data   []byte
	steps  []step
	length time.Duration
	// greet opens a stream on a connection and sends what goes ahead of all media.
	greet func(rw io.ReadWriter, u *url.URL) error
	// renew makes the bytes of a step those of that pass through the clip, 0 being the first. nil: they are the same.
	renew func(s step, pass uint32)
}

// step is what is written at once: a picture, with the audio before it.
type step struct {
	number     int
	at         time.Duration
	begin, end int // in data
	first, n   int // packets, for RTP
}

// newForm makes the bytes of a clip for proto, "rtmp" or "rtsp".
func newForm(proto string, c *clip) (*form, error) {
	if proto == "rtsp" {
		return rtspForm(c)
	}
	return rtmpForm(c), nil
}

// close ends a step where data ends now.
func (f *form) close(at uint32, packets int) {
	s := step{number: len(f.steps), at: time.Duration(at) * time.Millisecond, end: len(f.data), n: packets}
	if len(f.steps) > 0 {
		last := f.steps[len(f.steps)-1]
		s.begin, s.first = last.end, last.first+last.n
		s.n -= s.first
	}
	f.steps = append(f.steps, s)
}

// stretch lets the last step take what came after the last picture, so that the steps cover all data.
func (f *form) stretch(packets int) {
	last := &f.steps[len(f.steps)-1]
	last.end, last.n = len(f.data), packets-last.first
}
