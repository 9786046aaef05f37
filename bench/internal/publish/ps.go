package publish

import (
	"encoding/binary"
	"errors"
)

// What a device sends by GB/T 28181: an MPEG program stream (ISO/IEC 13818-1, 2.5) in RTP packets, a pack for each picture and audio frame.
const (
	psVideo, psSound = 0xE0, 0xC0 // stream IDs
	psRate           = 1_000_000 / 8 / 50
	psPayload        = 65000 // bytes of a PES packet at most
	psType           = 96
	psDelay          = 200 // ms from the bytes of a picture to when it is due
	adtsHead         = 7
)

// mark is a stamp within the bytes of the clip.
type mark struct {
	at    int // where it is in the data
	ticks uint64
	put   func(b []byte, ticks uint64)
}

// psClip makes the packets of a program stream.
type psClip struct {
	rtpClip
	clip  *clip
	sets  []byte // as a byte stream
	marks []mark
	first []int // of the marks of each step
}

// rtpForm makes the clip's packets as interleaved frames. Before a step is sent, renew sets what differs from pass to pass, and label from stream
// to stream.
func rtpForm(c *clip) (f *form, label func(s step, source uint32), err error) {
	sets, err := parameterSets(c.video)
	if err != nil {
		return nil, nil, err
	}
	p := &psClip{rtpClip: rtpClip{form: &form{length: c.length}}, clip: c}
	for _, set := range sets {
		p.sets = appendUnit(p.sets, set)
	}
	for _, m := range c.frames {
		if err := p.add(m); err != nil {
			return nil, nil, err
		}
	}
	p.form.stretch(len(p.packets))
	p.ticks[0] = uint32(c.length.Milliseconds() * videoClock / 1000)
	p.form.renew = p.renew
	return p.form, p.label, nil
}

// add appends the packets of a picture or audio frame.
func (p *psClip) add(m frame) error {
	id, media, err := p.media(m)
	if err != nil {
		return err
	}
	for len(p.first) <= len(p.form.steps) {
		p.first = append(p.first, len(p.marks))
	}
	ticks := uint64(m.at) * videoClock / 1000
	b, due := append(appendPack(nil), p.headers(m)...), 0
	for first := true; first || len(media) > 0; first = false {
		n := min(len(media), psPayload)
		b = append(b, 0, 0, 1, id)
		if first {
			b = binary.BigEndian.AppendUint16(b, uint16(8+n))
			due = len(b) + 3
			b = append(b, 0x84, 0x80, 5, 0, 0, 0, 0, 0)
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(3+n))
			b = append(b, 0x80, 0, 0)
		}
		b, media = append(b, media[:n]...), media[n:]
	}
	at := len(p.form.data) + frameHead + rtpHead // of the first packet's payload, within which both are
	p.marks = append(p.marks, mark{at + 4, ticks, putSCR}, mark{at + due, ticks + psDelay*videoClock/1000, putPTS})
	for len(b) > 0 {
		n := min(len(b), maxPayload)
		p.packet(m.at, n == len(b), b[:n])
		b = b[n:]
	}
	if m.video {
		p.form.close(m.at, len(p.packets))
	}
	return nil
}

// media is what the PES packets of a frame carry.
func (p *psClip) media(m frame) (id byte, b []byte, err error) {
	if !m.video {
		b, err = p.adts(m.body[2:])
		return psSound, b, err
	}
	units, err := m.units()
	if err != nil {
		return 0, nil, err
	}
	if m.key {
		b = append(b, p.sets...)
	}
	for _, unit := range units {
		b = appendUnit(b, unit)
	}
	return psVideo, b, nil
}

func appendUnit(b, unit []byte) []byte { return append(append(b, 0, 0, 0, 1), unit...) }

// adts puts a header in front of a frame of AAC, ISO/IEC 13818-7 section 6.2.
func (p *psClip) adts(frame []byte) ([]byte, error) {
	a := p.clip.audio
	if len(a) < 4 {
		return nil, errors.New("publish: the audio's configuration is cut short")
	}
	object, rate, channels := a[2]>>3, a[2]&7<<1|a[3]>>7, a[3]>>3&0x0F
	n := adtsHead + len(frame)
	b := []byte{0xFF, 0xF1, (object-1)<<6 | rate<<2 | channels>>2, channels<<6 | byte(n>>11), byte(n >> 3), byte(n<<5) | 0x1F, 0xFC}
	return append(b, frame...), nil
}

// packet appends an RTP packet.
func (p *psClip) packet(at uint32, marker bool, payload []byte) {
	x := packet{at: len(p.form.data), seq: p.counts[0], stamp: at * (videoClock / 1000)}
	p.counts[0]++
	p.packets = append(p.packets, x)
	kind := byte(psType)
	if marker {
		kind |= 0x80
	}
	b := append(p.form.data, '$', 0)
	b = binary.BigEndian.AppendUint16(b, uint16(rtpHead+len(payload)))
	b = append(b, 0x80, kind)
	b = binary.BigEndian.AppendUint16(b, x.seq)
	b = binary.BigEndian.AppendUint32(b, x.stamp)
	b = binary.BigEndian.AppendUint32(b, sourceBase)
	p.form.data = append(b, payload...)
}

// renew makes the packets of a step those of a pass.
func (p *psClip) renew(s step, pass uint32) {
	p.rtpClip.renew(s, pass)
	end := len(p.marks)
	if s.number+1 < len(p.form.steps) {
		end = p.first[s.number+1]
	}
	for _, m := range p.marks[p.first[s.number]:end] {
		m.put(p.form.data[m.at:], m.ticks+uint64(pass)*uint64(p.ticks[0]))
	}
}

// label makes the packets of a step those of a source.
func (p *psClip) label(s step, source uint32) {
	for _, x := range p.packets[s.first : s.first+s.n] {
		binary.BigEndian.PutUint32(p.form.data[x.at+frameHead+8:], source)
	}
}

// headers are the system header and the map of the program (2.5.3.5, 2.5.4.1), which key pictures have.
func (p *psClip) headers(m frame) []byte {
	if !m.key {
		return nil
	}
	b := []byte{
		0, 0, 1, 0xBB, 0, 12, 0x80 | psRate>>15, psRate >> 7 & 0xFF, psRate<<1&0xFF | 1, 1 << 2, 0x21, 0x7F,
		psVideo, 0xE0 | 2048>>8, 2048 & 0xFF, psSound, 0xC0 | 512>>8, 512 & 0xFF,
	}
	table := []byte{0, 0, 1, 0xBC, 0, 18, 0xE0, 0xFF, 0, 0, 0, 8, 0x1B, psVideo, 0, 0, 0x0F, psSound, 0, 0}
	if p.clip.audio == nil {
		table = append(table[:5], 14, 0xE0, 0xFF, 0, 0, 0, 4, 0x1B, psVideo, 0, 0)
	}
	return append(b, binary.BigEndian.AppendUint32(table, checksum(table))...)
}

// checksum is CRC_32 of ISO/IEC 13818-1, annex A.
func checksum(b []byte) uint32 {
	sum := ^uint32(0)
	for _, x := range b {
		sum ^= uint32(x) << 24
		for range 8 {
			top := sum >> 31
			sum = sum<<1 ^ 0x04C11DB7*top
		}
	}
	return sum
}

// appendPack appends a pack header (2.5.3.3), whose time has to be put.
func appendPack(b []byte) []byte {
	return append(b, 0, 0, 1, 0xBA, 0, 0, 0, 0, 0, 1, psRate>>14, psRate>>6&0xFF, psRate<<2&0xFF|3, 0xF8)
}

// putSCR sets the time of a pack.
func putSCR(b []byte, n uint64) {
	b[0] = 0x44 | byte(n>>27)&0x38 | byte(n>>28)&3
	b[1] = byte(n >> 20)
	b[2] = 4 | byte(n>>12)&0xF8 | byte(n>>13)&3
	b[3] = byte(n >> 5)
	b[4] = 4 | byte(n<<3)
}

// putPTS sets the stamp of a PES packet without a DTS.
func putPTS(b []byte, n uint64) {
	b[0] = 0x21 | byte(n>>29)&0x0E
	b[1] = byte(n >> 22)
	b[2] = 1 | byte(n>>14)
	b[3] = byte(n >> 7)
	b[4] = 1 | byte(n<<1)
}
