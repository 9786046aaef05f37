package depacketizer

import (
	"bytes"
	"strconv"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// maxScratch is how much memory a track keeps from one picture to the next.
const maxScratch = 1 << 20

// nals takes H.264 (RFC 6184) and H.265 (RFC 7798): a picture is what has one timestamp, up to the marker.
type nals struct {
	d     *Depacketizer
	codec media.Codec
	head  int // bytes of a NAL unit's header, and of a payload's
	sets  *h26x.SetList

	open   bool // a picture is being put together
	torn   bool // a part of it is missing
	doubt  bool // packets are missing in front of it: its first slices may be
	slices bool // it has some
	held   bool // its last packet had a marker, but there was no slice yet
	key    bool
	stamp  uint32
	buf    []byte // NAL units behind their lengths; the memory is used again
	count  int
	frag   int // where the unit that comes in fragments begins in buf, or -1
}

func newNALs(d *Depacketizer) *nals {
	f := &nals{d: d, codec: d.track.Codec, sets: h26x.NewSetList(d.track), head: 1, frag: -1}
	if f.codec == media.H265 {
		f.head = 2
	}
	return f
}

// hasDecodingOrder reports whether packets carry decoding order numbers (RFC 7798, 7.1), which are not known
// here and without which the packets cannot be read.
func hasDecodingOrder(params map[string]string) bool {
	n, err := strconv.Atoi(params["sprop-max-don-diff"])
	return err == nil && n > 0
}

func (f *nals) push(p *rtp.Packet, lost bool) error {
	if f.open && p.Timestamp != f.stamp {
		f.torn = f.torn || lost && !f.held // its end may be what is missing
		f.finish()
	}
	switch {
	case !f.open:
		f.begin(p.Timestamp, lost)
	case lost && f.held:
		f.doubt = true
	case lost:
		f.cut()
		f.torn = true
	}
	err := f.payload(p.Payload)
	if err != nil {
		f.torn = true
	}
	// Some senders set the marker on parameter sets too, and the picture they belong to is still to come.
	f.held = p.Marker && !f.slices && f.frag < 0
	if p.Marker && !f.held {
		f.finish()
	}
	return err
}

func (f *nals) begin(stamp uint32, doubt bool) {
	f.open, f.stamp, f.doubt = true, stamp, doubt
	f.torn, f.slices, f.held, f.key = false, false, false, false
	f.buf, f.count, f.frag = f.buf[:0], 0, -1
}

// finish hands out the picture, if it is whole.
func (f *nals) finish() {
	f.cut() // the last fragment of a unit is missing
	f.open = false
	switch {
	case f.torn:
		f.d.drop(f.stamp)
	case f.slices:
		f.d.track = f.sets.Settle(f.d.track, f.key)
		f.d.emit(f.stamp, bytes.Clone(f.buf), f.key)
	}
	if cap(f.buf) > maxScratch {
		f.buf = nil
	}
}

// cut gives up a unit whose other fragments are missing.
func (f *nals) cut() {
	if f.frag >= 0 {
		f.buf = f.buf[:f.frag]
		f.frag = -1
		f.torn = true
	}
}
