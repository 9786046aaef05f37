package dialect

import (
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// moment is when something is written.
type moment int

const (
	never moment = iota
	atKeys
	atLaterKeys // from the second key picture on
	always
)

// checksum is that of a map.
type checksum int

const (
	right checksum = iota
	wrong
	none
)

// packKind is how packs begin.
type packKind int

const (
	packNone packKind = iota
	pack1             // MPEG-1
	pack2
)

// device is one that sends, and how.
type device struct {
	tracks []*media.Track
	runs   []Run

	pack               packKind
	stuffing, promised int // bytes behind a pack header, and how many it says there are
	packEach           bool
	system, programMap moment
	systemFirst        bool
	ends               bool // program end codes
	zeros              int
	inFront, behind    func(*device) []byte // of a picture

	checksum                checksum
	mapExcess, listExcess   int // what lengths are more than they should be
	mapInside               bool
	programInfo, streamInfo []byte
	wrongVideo, noTypes     bool
	soundLate, privateTypes bool
	videoType, soundType    byte // other ones than those of the codecs
	latm                    bool

	videoID, soundID  byte
	clock, soundClock time.Duration
	stamped           moment // pictures
	dts               bool
	soundUnstamped    bool
	mute              bool
	repeat            int // pictures with the same stamp
	stampParts        bool

	largest                    int // payload of a PES packet
	unbounded, unboundedLength bool
	lengthExcess               int
	unitwise                   bool
	each                       int // pictures that are sent at once,
	oneStamp                   bool
	unaligned                  int
	pes1                       bool
	pesStuffing                int
	pesExtras                  bool
	delimiters                 bool
	startCode                  []byte

	keys     int // that have been
	pictures int
	shown    stamp // of the last picture that had a new one
	held     []picture
	flow     []byte // a byte stream that is cut anywhere,
	marks    []mark // and the stamps in it
}

// picture is one that is to be sent.
type picture struct {
	packet *media.Packet
	units  [][]byte // behind start codes
	stamp  stamp
}

// mark is where a picture begins.
type mark struct {
	at    int
	stamp stamp
}

// stamp is that of a PES packet.
type stamp struct {
	given, decoding bool // whether there is a PTS and a DTS
	pts, dts        time.Duration
}

// picture sends one, or keeps it until there are enough.
func (w *device) picture(p *media.Packet, last bool) {
	x := picture{packet: p, units: w.units(p), stamp: w.stampOf(p)}
	if p.Key {
		w.keys++
	}
	w.pictures++
	if w.unaligned > 0 {
		w.flowOn(x, last)
		return
	}
	if w.held = append(w.held, x); len(w.held) < w.each && !last {
		return
	}
	group := w.held
	w.held = nil
	if w.oneStamp {
		for _, more := range group[1:] {
			group[0].units = append(group[0].units, more.units...)
		}
	}
	key := false
	for _, x := range group {
		key = key || x.packet.Key
	}
	first := group[0].packet
	b := w.front(first.DTS, key)
	if w.inFront != nil {
		b = append(b, w.inFront(w)...)
	}
	for i, x := range group {
		if i == 0 || !w.oneStamp {
			b = w.appendPicture(b, x)
		}
	}
	if w.behind != nil {
		b = append(b, w.behind(w)...)
	}
	if w.ends {
		b = append(b, 0, 0, 1, 0xb9)
	}
	w.runs = append(w.runs, Run{first.DTS, append(b, make([]byte, w.zeros)...)})
}

// units are the NAL units of a picture as they are sent.
func (w *device) units(p *media.Packet) (list [][]byte) {
	add := func(unit []byte) {
		list = append(list, append(w.startCode[:len(w.startCode):len(w.startCode)], unit...))
	}
	switch {
	case w.delimiters && p.Track.Codec == media.H265:
		add([]byte{h26x.HEVCDelimiter << 1, 1, 0x50})
	case w.delimiters:
		add([]byte{h26x.AVCDelimiter, 0xf0})
	}
	if elementary.NeedsSets(p) {
		if sets, _, err := h26x.Parse(p.Track.Codec, p.Track.Config); err == nil {
			for _, of := range [][][]byte{sets.VPS, sets.SPS, sets.PPS} {
				for _, unit := range of {
					add(unit)
				}
			}
		}
	}
	for unit := range h26x.Units(p.Data) {
		if !elementary.IsDelimiter(p.Track.Codec, unit) {
			add(unit)
		}
	}
	return list
}

// stampOf is what a picture is stamped with.
func (w *device) stampOf(p *media.Packet) stamp {
	if w.repeat <= 1 || w.pictures%w.repeat == 0 {
		w.shown = stamp{true, w.dts && p.PTS != p.DTS, w.clock + p.PTS, w.clock + p.DTS}
	}
	if w.stamped == never || w.stamped == atKeys && !p.Key {
		return stamp{}
	}
	return w.shown
}

// payloads are what of a picture each PES packet has.
func (w *device) payloads(x picture) (list [][]byte) {
	units := x.units
	if !w.unitwise {
		var all []byte
		for _, unit := range units {
			all = append(all, unit...)
		}
		units = [][]byte{all}
	}
	for _, b := range units {
		for len(b) > w.largest {
			list = append(list, b[:w.largest])
			b = b[w.largest:]
		}
		list = append(list, b)
	}
	return list
}

// appendPicture appends the PES packets of a picture.
func (w *device) appendPicture(b []byte, x picture) []byte {
	list := w.payloads(x)
	for i, payload := range list {
		if i > 0 && w.packEach {
			b = w.appendPack(b, x.packet.DTS)
		}
		if i > 0 && i == len(list)/2 && w.mapInside && x.packet.Key {
			b = w.appendMap(b)
		}
		s := x.stamp
		if i > 0 && !w.stampParts {
			s = stamp{}
		}
		b = w.appendPES(b, w.videoID, payload, s)
	}
	return b
}

// flowOn sends pictures in PES packets that begin anywhere, and have the stamp of the first picture that begins in them.
func (w *device) flowOn(x picture, last bool) {
	w.marks = append(w.marks, mark{len(w.flow), x.stamp})
	for _, unit := range x.units {
		w.flow = append(w.flow, unit...)
	}
	for len(w.flow) >= w.unaligned || last && len(w.flow) > 0 {
		n := min(w.unaligned, len(w.flow))
		var s stamp
		var later []mark
		for _, m := range w.marks {
			switch {
			case m.at >= n:
				later = append(later, mark{m.at - n, m.stamp})
			case !s.given:
				s = m.stamp
			}
		}
		b := w.appendPES(w.front(x.packet.DTS, x.packet.Key), w.videoID, w.flow[:n], s)
		w.runs = append(w.runs, Run{x.packet.DTS, b})
		w.flow, w.marks = w.flow[n:], later
	}
}

// sound sends a packet of it.
func (w *device) sound(p *media.Packet) {
	if w.mute {
		return
	}
	payload := p.Data
	switch {
	case p.Track.Codec == media.AAC && w.latm:
		payload = latm(p)
	case p.Track.Codec == media.AAC:
		aac, _ := elementary.ParseADTS(p.Track.Config)
		payload = append(aac.Append(nil, len(payload)), payload...)
	}
	s := stamp{given: !w.soundUnstamped, pts: w.soundClock + p.PTS}
	front := w.front(p.DTS, !w.hasPictures())
	w.runs = append(w.runs, Run{p.DTS, w.appendPES(front, w.soundID, payload, s)})
}

func (w *device) hasPictures() bool {
	for _, t := range w.tracks {
		if t.Codec.Video() {
			return true
		}
	}
	return false
}
