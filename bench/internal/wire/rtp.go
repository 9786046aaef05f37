package wire

import "encoding/binary"

const rtpHeader = 12

// rtpTrack follows the RTP packets (RFC 3550) of one track.
type rtpTrack struct {
	media  mediaLine
	udp    bool
	frames assembler

	began   bool
	source  uint32 // SSRC
	next    uint16 // the sequence number that is due
	stamp   uint32
	ticks   int64 // the stamp without its wraps, from the first on
	missing int
}

// assembler makes messages of the payloads of one track.
type assembler interface {
	// headers returns the sequence headers that the session description stands for.
	headers() []Message
	// packet takes a payload. lost says that packets before it are missing.
	packet(p rtpPayload, lost bool) ([]Message, error)
}

// rtpPayload is a packet without its header.
type rtpPayload struct {
	data   []byte
	ticks  int64
	marker bool
}

func newTrack(m mediaLine, udp bool) *rtpTrack {
	t := &rtpTrack{media: m, udp: udp}
	switch {
	case m.codec == "H264":
		t.frames = &pictures{clock: m.clock, units: h264{}, described: m.parameter("sprop-parameter-sets") != "", mayTear: udp}
	case m.codec == "H265":
		t.frames = &pictures{clock: m.clock, units: h265{}, described: m.parameter("sprop-sps") != "", mayTear: udp}
	case m.codec == "MPEG4-GENERIC":
		t.frames = newAAC(&m)
	default:
		t.frames = &opaque{clock: m.clock, audio: m.kind == "audio"}
	}
	return t
}

func (t *rtpTrack) headers() []Message { return t.frames.headers() }

// packet checks the next packet and returns the messages it completes.
func (t *rtpTrack) packet(b []byte) ([]Message, error) {
	payload, err := cutHeader(b)
	if err != nil {
		return nil, err
	}
	if kind := int(b[1] & 0x7F); kind != t.media.payload {
		return nil, malformed("RTP payload type %d instead of %d", kind, t.media.payload)
	}
	seq, stamp := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	if !t.began {
		t.began, t.source, t.next, t.stamp = true, binary.BigEndian.Uint32(b[8:]), seq, stamp
	}
	if source := binary.BigEndian.Uint32(b[8:]); source != t.source {
		return nil, malformed("RTP source %08x after %08x", source, t.source)
	}
	ahead := int16(seq - t.next)
	if ahead < 0 {
		return nil, t.late(seq)
	}
	t.missing += int(ahead)
	t.next = seq + 1
	t.ticks += int64(int32(stamp - t.stamp))
	t.stamp = stamp
	return t.frames.packet(rtpPayload{payload, t.ticks, b[1]&0x80 != 0}, ahead > 0)
}

// late takes a packet whose place in the sequence has passed. UDP may bring one; it is too late for its picture.
func (t *rtpTrack) late(seq uint16) error {
	if !t.udp {
		return malformed("RTP sequence number %d where %d was due", seq, t.next)
	}
	t.missing = max(0, t.missing-1)
	return nil
}

// cutHeader returns the payload of a packet, RFC 3550 section 5.1.
func cutHeader(b []byte) ([]byte, error) {
	if len(b) < rtpHeader || b[0]>>6 != 2 {
		return nil, malformed("RTP packet of %d bytes, or not of version 2", len(b))
	}
	at := rtpHeader + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return nil, malformed("RTP header extension is cut short")
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[end-1])
	}
	if at >= end {
		return nil, malformed("RTP packet without a payload")
	}
	return b[at:end], nil
}

// checkRTCP checks the head of each packet of a compound one, RFC 3550 section 6.1.
func checkRTCP(b []byte) error {
	if len(b) == 0 {
		return malformed("empty RTCP packet")
	}
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 || b[1] < 192 || b[1] > 223 {
			return malformed("RTCP packet of %d bytes", len(b))
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return malformed("RTCP packet of %d bytes in %d", n, len(b))
		}
		b = b[n:]
	}
	return nil
}

func millis(ticks int64, clock int) uint32 { return uint32(ticks * 1000 / int64(clock)) }
