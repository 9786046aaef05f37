package wire

import "strconv"

// samplesPerFrame of AAC, ISO/IEC 14496-3.
const samplesPerFrame = 1024

// aac takes the frames of RFC 3640 packets.
type aac struct {
	clock             int
	sizeBits, allBits int // of one AU header
}

func newAAC(m *mediaLine) *aac {
	size, index := number(m.parameter("sizelength"), 13), number(m.parameter("indexlength"), 3)
	return &aac{clock: m.clock, sizeBits: size, allBits: size + index}
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n <= 32 {
		return n
	}
	return otherwise
}

func (a *aac) headers() []Message {
	return []Message{{Type: TypeAudio, Body: []byte{0xAF, 0, 0x12, 0x10}}}
}

// packet reads the AU headers (RFC 3640 section 3.2.1) and the frames behind them.
func (a *aac) packet(p rtpPayload, _ bool) ([]Message, error) {
	if len(p.data) < 2 {
		return nil, malformed("AAC payload of %d bytes", len(p.data))
	}
	bits := int(p.data[0])<<8 | int(p.data[1])
	count := bits / a.allBits
	frames := 2 + (bits+7)/8
	if count == 0 || frames > len(p.data) {
		return nil, malformed("%d bits of AU headers in %d bytes", bits, len(p.data))
	}
	head, rest := p.data[2:frames], p.data[frames:]
	var out []Message
	for i := range count {
		n := bitsOf(head, i*a.allBits, a.sizeBits)
		if n == 0 || n > len(rest) {
			return nil, malformed("AAC frame of %d bytes in %d", n, len(rest))
		}
		body := append([]byte{0xAF, 1}, rest[:n]...)
		out = append(out, Message{Type: TypeAudio, Time: millis(p.ticks+int64(i)*samplesPerFrame, a.clock), Body: body})
		rest = rest[n:]
	}
	return out, malformedUnless(len(rest) == 0, "%d bytes behind the last AAC frame", len(rest))
}

// bitsOf returns n bits of b from bit at on.
func bitsOf(b []byte, at, n int) int {
	v := 0
	for i := at; i < at+n; i++ {
		v = v<<1 | int(b[i/8]>>(7-i%8)&1)
	}
	return v
}

// opaque is a track nothing more is known of: each packet of an audio track counts as a frame.
type opaque struct {
	clock int
	audio bool
}

func (o *opaque) headers() []Message { return nil }

func (o *opaque) packet(p rtpPayload, _ bool) ([]Message, error) {
	if !o.audio {
		return nil, malformed("a video codec this player does not know")
	}
	body := append([]byte{0x7F, 0}, p.data...) // the sound format for G.711, which has no sequence header
	return []Message{{Type: TypeAudio, Time: millis(p.ticks, o.clock), Body: body}}, nil
}

func malformedUnless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return malformed(format, args...)
}
