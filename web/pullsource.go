package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/internal/hlspull"
	"github.com/sluice-media/sluice/internal/mpegts"
)

// errContainer says that a server sends what Pull does not take.
var errContainer = errors.New("web: what the server sends is neither FLV, MPEG-TS nor a playlist of HLS")

// tells is how many bytes tell one container from another.
const tells = 4

// source takes apart what a server sends.
type source interface {
	// take takes some of it, and reports whether there was media in it.
	take() (media bool, err error)
}

// sourceOf returns what takes the bytes of from apart, by those that they begin with, and the schema of hooks for it. For HLS there is no
// source.
func sourceOf(from *bufio.Reader) (schema string, open func(p *pull) source, err error) {
	head, err := from.Peek(tells)
	switch {
	case err != nil:
		return "", nil, err
	case string(head[:3]) == "FLV":
		return "rtmp", func(p *pull) source { return &flvSource{flv.NewReader(from), flv.NewIntake(p.sink, p.warn)} }, nil
	case mpegts.Begins(head):
		return "ts", func(p *pull) source { return &tsSource{from: from, demux: mpegts.NewDemuxer(p.sink, p.warn)} }, nil
	}
	if hlspull.Begins(head) {
		return "hls", nil, nil
	}
	return "", nil, fmt.Errorf("%w: it begins with %q", errContainer, head)
}

// flvSource is FLV.
type flvSource struct {
	from *flv.Reader
	tags *flv.Intake
}

func (s *flvSource) take() (bool, error) {
	typ, stamp, body, err := s.from.Next()
	if err != nil {
		return false, err
	}
	if len(body) == 0 {
		return false, nil
	}
	err = s.tags.Take(typ, uint32(stamp/time.Millisecond), body)
	return typ == flv.TagAudio || typ == flv.TagVideo, err
}

// tsSource is MPEG-TS.
type tsSource struct {
	from  io.Reader
	demux *mpegts.Demuxer
	buf   [32 << 10]byte
}

func (s *tsSource) take() (bool, error) {
	n, err := s.from.Read(s.buf[:])
	before := s.demux.Packets()
	_, bad := s.demux.Write(s.buf[:n])
	switch {
	case bad != nil:
		err = bad
	case errors.Is(err, io.EOF):
		if bad = s.demux.Close(); bad != nil {
			err = bad
		}
	}
	return s.demux.Packets() > before, err
}
