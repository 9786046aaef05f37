package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
)

// tsClock is the rate of the stamps of MPEG-TS, in Hz.
const tsClock = 90000

// transport is a transport stream, ISO/IEC 13818-1, as the messages of FLV.
type transport struct {
	r     *mpegts.Reader
	queue queue
	err   error // of what was read
}

var _ Source = (*transport)(nil)

// PlayTS asks for u with GET and returns its transport stream once its tables have come.
func PlayTS(rw io.ReadWriter, u *url.URL) (Source, error) {
	body, err := media(rw, u)
	if err != nil {
		return nil, err
	}
	s := &transport{r: &mpegts.Reader{R: body}}
	if err := s.r.Initialize(); err != nil {
		return nil, fmt.Errorf("wire: tables of %s: %w", u, err)
	}
	s.r.OnDecodeError(func(err error) { s.err = malformed("%v", err) })
	for _, track := range s.r.Tracks() {
		switch track.Codec.(type) {
		case *codecs.H264:
			s.queue.add(h264{}.config())
			s.r.OnDataH264(track, func(_, dts int64, units [][]byte) error {
				s.queue.picture(h264{}, millis(dts, tsClock), units)
				return nil
			})
		case *codecs.H265:
			s.queue.add(h265{}.config())
			s.r.OnDataH265(track, func(_, dts int64, units [][]byte) error {
				s.queue.picture(h265{}, millis(dts, tsClock), units)
				return nil
			})
		case *codecs.MPEG4Audio:
			s.queue.add((&aac{}).headers()...)
			s.r.OnDataMPEG4Audio(track, func(pts int64, frames [][]byte) error {
				for _, f := range frames {
					s.queue.sound(millis(pts, tsClock), f)
				}
				return nil
			})
		}
	}
	return s, nil
}

// media asks for u and returns the body of a 200 reply.
func media(rw io.ReadWriter, u *url.URL) (io.Reader, error) {
	res, _, err := get(rw, u, "")
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("wire: GET %s: %s", u, res.Status)
	}
	return res.Body, nil
}

// Next implements [Source].
func (s *transport) Next() (Message, error) {
	for len(s.queue) == 0 {
		if err := s.r.Read(); err != nil {
			return Message{}, fmt.Errorf("wire: read: %w", err)
		}
		if s.err != nil {
			return Message{}, s.err
		}
	}
	return s.queue.next(), nil
}

// queue is what was read and not yet asked for.
type queue []Message

func (q *queue) add(list ...Message) { *q = append(*q, list...) }

func (q *queue) next() Message {
	m := (*q)[0]
	*q = (*q)[1:]
	return m
}

// picture adds a picture of NAL units.
func (q *queue) picture(codec nalCodec, at uint32, units [][]byte) {
	key := slices.ContainsFunc(units, func(unit []byte) bool { return codec.random(codec.kind(unit)) })
	body := slices.Clone(codec.head(key))
	for _, unit := range units {
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(unit))), unit...)
	}
	q.add(Message{Type: TypeVideo, Time: at, Body: body})
}

// sound adds a frame of AAC.
func (q *queue) sound(at uint32, frame []byte) {
	q.add(Message{Type: TypeAudio, Time: at, Body: append([]byte{0xAF, 1}, frame...)})
}
