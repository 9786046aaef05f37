package wire

import "encoding/binary"

// pictures puts access units together, RFC 6184 and RFC 7798. Each becomes the body of an FLV video message.
type pictures struct {
	clock     int
	units     nalCodec
	described bool // parameter sets are known
	mayTear   bool // packets get lost on the way: pictures are left out until the next key frame, and it is no fault

	body     []byte // what has come of the current picture; empty between two
	ticks    int64
	coded    bool // it holds a slice
	key      bool // its first slice is one of a random access picture
	fragment int  // where in body the unit that comes in fragments begins; 0 outside of one
	resync   bool // packets were missing: only a key frame may go on
	torn     int64
}

// nalCodec tells the NAL units of the two codecs apart.
type nalCodec interface {
	config() Message
	// head returns the first bytes of a picture's FLV body, up to its first unit.
	head(key bool) []byte
	headerSize() int
	kind(unit []byte) int
	coded(kind int) bool
	random(kind int) bool // IDR, or IRAP
	// opens says whether a picture that can be decoded without those before it may begin with such a unit.
	opens(kind int) bool
	parameters(kind int) bool
	aggregate(kind int) bool
	fragment(kind int) bool
	// fragmentHead reads the header of a fragment: the header of the whole unit, and whether it begins or ends here.
	fragmentHead(b []byte) (header []byte, size int, begins, ends bool)
}

// The number of bytes ahead of the units in a picture's FLV body.
const pictureHead = 5

func (p *pictures) headers() []Message { return []Message{p.units.config()} }

func (p *pictures) packet(r rtpPayload, lost bool) ([]Message, error) {
	var out []Message
	if lost {
		if err := p.lose(); err != nil {
			return nil, err
		}
	}
	if len(p.body) > 0 && r.ticks != p.ticks {
		m, err := p.finish()
		if err != nil {
			return nil, err
		}
		out = append(out, m...)
	}
	if p.resync && len(p.body) == 0 {
		if pass, err := p.reenter(r); err != nil || !pass {
			return out, err
		}
	}
	if len(p.body) == 0 {
		p.begin(r.ticks)
	}
	if err := p.payload(r.data); err != nil || !r.marker {
		return out, err
	}
	m, err := p.finish()
	return append(out, m...), err
}

// lose notes missing packets. TCP loses nothing: a server may leave whole pictures out there, but never a part of one.
func (p *pictures) lose() error {
	if !p.mayTear && len(p.body) > 0 {
		return malformed("a picture was torn: packets within it are missing")
	}
	if len(p.body) > 0 {
		p.torn = p.ticks
	}
	p.body, p.fragment, p.resync = p.body[:0], 0, true
	return nil
}

// reenter says whether a picture may begin with the packet after others were missing.
func (p *pictures) reenter(r rtpPayload) (bool, error) {
	kind, begins, err := p.first(r.data)
	if err != nil {
		return false, err
	}
	if begins && p.units.opens(kind) && (p.torn == 0 || r.ticks != p.torn) {
		return true, nil
	}
	if p.mayTear {
		return false, nil
	}
	return false, malformed("a picture that begins with NAL unit type %d follows missing packets", kind)
}

// first returns the type of the first unit in a payload, and whether its beginning is in it.
func (p *pictures) first(b []byte) (kind int, begins bool, err error) {
	size := p.units.headerSize()
	if len(b) <= size {
		return 0, false, malformed("RTP payload of %d bytes", len(b))
	}
	kind = p.units.kind(b)
	switch {
	case p.units.aggregate(kind):
		if len(b) < 2*size+2 {
			return 0, false, malformed("aggregation packet of %d bytes", len(b))
		}
		return p.units.kind(b[size+2:]), true, nil
	case p.units.fragment(kind):
		header, _, begins, _ := p.units.fragmentHead(b)
		return p.units.kind(header), begins, nil
	}
	return kind, true, nil
}

func (p *pictures) begin(ticks int64) {
	p.body = make([]byte, pictureHead, 4096)
	p.ticks, p.coded, p.key = ticks, false, false
}

// payload adds the units of one packet.
func (p *pictures) payload(b []byte) error {
	size := p.units.headerSize()
	if len(b) <= size {
		return malformed("RTP payload of %d bytes", len(b))
	}
	kind := p.units.kind(b)
	if p.units.fragment(kind) {
		return p.part(b)
	}
	if p.fragment != 0 {
		return malformed("NAL unit type %d between the fragments of another", kind)
	}
	if !p.units.aggregate(kind) {
		return p.unit(b)
	}
	for b = b[size:]; len(b) > 0; {
		if len(b) < 2 {
			return malformed("%d bytes behind the last aggregated unit", len(b))
		}
		n := int(binary.BigEndian.Uint16(b))
		if n < size || n > len(b)-2 {
			return malformed("aggregated unit of %d bytes in %d", n, len(b)-2)
		}
		if err := p.unit(b[2 : 2+n]); err != nil {
			return err
		}
		b = b[2+n:]
	}
	return nil
}

// part adds a fragment of a unit.
func (p *pictures) part(b []byte) error {
	header, size, begins, ends := p.units.fragmentHead(b)
	switch {
	case len(b) <= size:
		return malformed("fragment of %d bytes", len(b))
	case begins != (p.fragment == 0):
		return malformed("a fragment is out of place: begins %t, within a unit %t", begins, p.fragment != 0)
	case begins && ends:
		return malformed("a fragment that is the whole unit")
	}
	if begins {
		if err := p.note(p.units.kind(header)); err != nil {
			return err
		}
		p.fragment = len(p.body)
		p.body = append(append(p.body, 0, 0, 0, 0), header...)
	}
	p.body = append(p.body, b[size:]...)
	if ends {
		binary.BigEndian.PutUint32(p.body[p.fragment:], uint32(len(p.body)-p.fragment-4))
		p.fragment = 0
	}
	return nil
}

// unit adds a whole unit.
func (p *pictures) unit(b []byte) error {
	p.body = binary.BigEndian.AppendUint32(p.body, uint32(len(b)))
	p.body = append(p.body, b...)
	return p.note(p.units.kind(b))
}

// note learns from the type of a unit what the picture is.
func (p *pictures) note(kind int) error {
	switch {
	case p.units.parameters(kind):
		p.described = true
	case p.units.coded(kind) && !p.coded:
		p.coded, p.key = true, p.units.random(kind)
	case p.units.coded(kind) && p.units.random(kind) != p.key:
		return malformed("slices of a key frame and of another in one picture")
	}
	return nil
}

// finish returns the picture. Units without a slice are no picture.
func (p *pictures) finish() ([]Message, error) {
	if p.fragment != 0 {
		return nil, malformed("a picture ended within a fragmented unit")
	}
	body := p.body
	p.body = p.body[:0]
	if !p.coded {
		return nil, nil
	}
	if !p.described {
		return nil, malformed("a picture before the parameter sets")
	}
	if p.resync && !p.key {
		if p.mayTear {
			return nil, nil
		}
		return nil, malformed("no key frame after missing packets")
	}
	p.resync, p.torn = false, 0
	copy(body, p.units.head(p.key))
	return []Message{{Type: TypeVideo, Time: millis(p.ticks, p.clock), Body: body}}, nil
}
