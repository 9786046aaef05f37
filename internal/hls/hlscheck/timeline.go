package hlscheck

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
)

// stamping is how far the stamps of media may be from what the playlist says of them: more than two pictures, as one may be
// missing.
const stamping = 90 * time.Millisecond

// errNotKnown says that it cannot be told when a segment begins.
var errNotKnown = errors.New("it is not known when it begins")

// timeline follows what is in the segments.
type timeline struct {
	inits map[string]*fmp4.Init
	next  time.Duration // when the next segment is to begin
	begun bool
}

// init reads an initialization segment.
func (l *timeline) init(uri string, data []byte) error {
	var init fmp4.Init
	if err := init.Unmarshal(bytes.NewReader(data)); err != nil {
		return fmt.Errorf("it is no initialization segment: %w", err)
	}
	if l.inits == nil {
		l.inits = map[string]*fmp4.Init{}
	}
	l.inits[uri] = &init
	return nil
}

// part holds what is in a part to whether it is independent (4.4.4.9).
func (l *timeline) part(part Part, init string, data []byte) error {
	track, err := l.lead(init)
	if err != nil {
		return err
	}
	samples, err := samplesOf(data, track.ID)
	if err != nil || !track.Codec.IsVideo() || len(samples) == 0 {
		return err
	}
	has := slices.ContainsFunc(samples, func(s *fmp4.Sample) bool { return !s.IsNonSyncSample })
	if has != part.Independent {
		return fmt.Errorf("INDEPENDENT is %v, and that it has a key frame %v", part.Independent, has)
	}
	return nil
}

// lead returns the track of video, or the first.
func (l *timeline) lead(init string) (*fmp4.InitTrack, error) {
	x := l.inits[init]
	if x == nil || len(x.Tracks) == 0 {
		return nil, errors.New("it has no initialization segment that can be read")
	}
	for _, t := range x.Tracks {
		if t.Codec.IsVideo() {
			return t, nil
		}
	}
	return x.Tracks[0], nil
}

func samplesOf(data []byte, track int) (list []*fmp4.Sample, err error) {
	var parts fmp4.Parts
	if err := parts.Unmarshal(data); err != nil {
		return nil, err
	}
	for _, p := range parts {
		for _, t := range p.Tracks {
			if t.ID == track {
				list = append(list, t.Samples...)
			}
		}
	}
	return list, nil
}

// segment holds the stamps in a segment to its duration, and to the end of the one before.
func (l *timeline) segment(s *Segment, data []byte) (problems []error) {
	read := readTS
	if s.Map != "" {
		read = func(data []byte) (time.Duration, time.Duration, error) { return l.readMP4(s.Map, data) }
	}
	from, to, err := read(data)
	if err != nil {
		l.begun = false
		if errors.Is(err, errNotKnown) {
			return nil
		}
		return []error{err}
	}
	if lasts := to - from; lasts-s.Duration > stamping { // it is shorter if the stream stood still
		problems = append(problems, fmt.Errorf("it lasts %v by its stamps, not %v", lasts, s.Duration))
	}
	if gap := from - l.next; l.begun && !s.Discontinuity && gap.Abs() > stamping {
		problems = append(problems, fmt.Errorf("it begins %v behind the end of the one before", gap))
	}
	l.next, l.begun = from+s.Duration, true
	return problems
}

// readMP4 returns when the samples of the leading track begin and end.
func (l *timeline) readMP4(init string, data []byte) (from, to time.Duration, err error) {
	track, err := l.lead(init)
	if err != nil {
		return 0, 0, err
	}
	if bytes.Contains(data, []byte("moov")) {
		return 0, 0, errors.New("it has an initialization segment in it")
	}
	var parts fmp4.Parts
	if err := parts.Unmarshal(data); err != nil {
		return 0, 0, err
	}
	var stamps []uint64
	for _, p := range parts {
		for _, t := range p.Tracks {
			if t.ID != track.ID {
				continue
			}
			for at := t.BaseTime; len(t.Samples) > 0; t.Samples = t.Samples[1:] {
				stamps = append(stamps, at)
				at += uint64(t.Samples[0].Duration)
			}
		}
	}
	return span(stamps, track.TimeScale)
}

// span returns when what has stamps begins and ends, if the last is as long as the one before: that before a pause may be said
// to last until it goes on.
func span[T int64 | uint64](stamps []T, scale uint32) (from, to time.Duration, err error) {
	n := len(stamps)
	if n == 0 {
		return 0, 0, errNotKnown // the last sound before a pause may be in a segment of its own
	}
	at := func(x T) time.Duration { return time.Duration(x) * time.Second / time.Duration(scale) }
	for i := range n - 1 {
		if stamps[i+1] <= stamps[i] {
			return 0, 0, fmt.Errorf("its stamps go from %v to %v", at(stamps[i]), at(stamps[i+1]))
		}
	}
	from, to = at(stamps[0]), at(stamps[n-1])
	if n > 1 {
		to += at(stamps[n-1] - stamps[n-2])
	}
	return from, to, nil
}

// readTS returns when the pictures of a transport stream begin and end; its sound if it has none.
func readTS(data []byte) (from, to time.Duration, err error) {
	if len(data) < 188 || data[0] != 0x47 || data[1]&0x5f != 0x40 || data[2] != 0 {
		return 0, 0, errors.New("it does not begin with a program association table")
	}
	r := &mpegts.Reader{R: bytes.NewReader(data)}
	if err := r.Initialize(); errors.Is(err, io.EOF) {
		return 0, 0, errNotKnown // there is nothing of a track, of which the reader wants to see something
	} else if err != nil {
		return 0, 0, err
	}
	var video, audio []int64
	for _, track := range r.Tracks() {
		note := func(_, dts int64, _ [][]byte) error { video = append(video, dts); return nil }
		switch track.Codec.(type) {
		case *codecs.H264:
			r.OnDataH264(track, note)
		case *codecs.H265:
			r.OnDataH265(track, note)
		case *codecs.MPEG4Audio:
			r.OnDataMPEG4Audio(track, func(pts int64, _ [][]byte) error { audio = append(audio, pts); return nil })
		}
	}
	for err == nil {
		err = r.Read()
	}
	if !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	stamps := video
	if len(stamps) == 0 {
		stamps = audio
	}
	return span(stamps, 90000)
}
