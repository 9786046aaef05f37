package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
)

// fragments is fragmented MP4, ISO/IEC 14496-12, as the messages of FLV.
type fragments struct {
	r      io.Reader
	tracks map[int]*fmp4.InitTrack
	queue  queue
}

var _ Source = (*fragments)(nil)

// PlayFMP4 asks for u with GET and returns its fragments once the initialization segment has come.
func PlayFMP4(rw io.ReadWriter, u *url.URL) (Source, error) {
	body, err := media(rw, u)
	if err != nil {
		return nil, err
	}
	s := &fragments{r: body}
	return s, s.init()
}

// init reads ftyp and moov.
func (s *fragments) init() error {
	segment, err := s.boxes("ftyp", "moov")
	if err != nil {
		return err
	}
	var init fmp4.Init
	if err := init.Unmarshal(bytes.NewReader(segment)); err != nil {
		return malformed("initialization segment: %v", err)
	}
	s.tracks = map[int]*fmp4.InitTrack{}
	for _, track := range init.Tracks {
		s.tracks[track.ID] = track
		switch track.Codec.(type) {
		case *codecs.H264:
			s.queue.add(h264{}.config())
		case *codecs.H265:
			s.queue.add(h265{}.config())
		case *codecs.MPEG4Audio:
			s.queue.add((&aac{}).headers()...)
		}
	}
	return nil
}

// boxes reads boxes of these names.
func (s *fragments) boxes(names ...string) (all []byte, err error) {
	for _, name := range names {
		var head [8]byte
		if _, err := io.ReadFull(s.r, head[:]); err != nil {
			return nil, fmt.Errorf("wire: read: %w", err)
		}
		size := int(binary.BigEndian.Uint32(head[:]))
		if string(head[4:]) != name || size < len(head) || size > maxBody {
			return nil, malformed("box %q of %d bytes instead of %s", head[4:], size, name)
		}
		at := len(all)
		all = append(append(all, head[:]...), make([]byte, size-len(head))...)
		if _, err := io.ReadFull(s.r, all[at+len(head):]); err != nil {
			return nil, fmt.Errorf("wire: read: %w", err)
		}
	}
	return all, nil
}

// Next implements [Source].
func (s *fragments) Next() (Message, error) {
	for len(s.queue) == 0 {
		b, err := s.boxes("moof", "mdat")
		if err != nil {
			return Message{}, err
		}
		if err := s.fragment(b); err != nil {
			return Message{}, err
		}
	}
	return s.queue.next(), nil
}

// fragment takes the samples of a fragment.
func (s *fragments) fragment(b []byte) error {
	var parts fmp4.Parts
	if err := parts.Unmarshal(b); err != nil {
		return malformed("fragment: %v", err)
	}
	for _, part := range parts {
		for _, track := range part.Tracks {
			of := s.tracks[track.ID]
			if of == nil {
				return malformed("a fragment of track %d", track.ID)
			}
			at := track.BaseTime
			for _, sample := range track.Samples {
				if err := s.sample(of, millis(int64(at), int(of.TimeScale)), sample.Payload); err != nil {
					return err
				}
				at += uint64(sample.Duration)
			}
		}
	}
	return nil
}

func (s *fragments) sample(of *fmp4.InitTrack, at uint32, payload []byte) error {
	var codec nalCodec
	switch of.Codec.(type) {
	case *codecs.H264:
		codec = h264{}
	case *codecs.H265:
		codec = h265{}
	default:
		s.queue.sound(at, payload)
		return nil
	}
	var units [][]byte
	for len(payload) > 0 {
		if len(payload) < 4 {
			return malformed("%d bytes behind the last NAL unit", len(payload))
		}
		n := int(binary.BigEndian.Uint32(payload))
		if n < 1 || n > len(payload)-4 {
			return malformed("NAL unit of %d bytes in %d", n, len(payload)-4)
		}
		units = append(units, payload[4:4+n])
		payload = payload[4+n:]
	}
	s.queue.picture(codec, at, units)
	return nil
}
