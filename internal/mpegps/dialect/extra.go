package dialect

import (
	"bytes"

	"github.com/sluice-media/sluice/media"
)

// deviceInfo is what a manufacturer tells of the device, in descriptors of its own.
func deviceInfo() []byte {
	b := []byte{0x40, 14, 'H', 'K', 'M', 'I', 1, 0, 0x17, 0x0a, 0x2c, 0x21, 0x08, 0, 0, 1}
	return append(b, 0x41, 10, 'H', 'K', 0, 0, 0, 1, 0xe0, 0, 0, 0)
}

// videoInfo is what it tells of an elementary stream.
func videoInfo() []byte {
	return []byte{0x42, 14, 0x07, 0x10, 0x10, 0xea, 0x05, 0x00, 0x02, 0xd0, 0x11, 0x30, 0, 0, 0x1c, 0x20, 0x2a, 4, 0x7f, 0xff, 0, 0}
}

// packet is a packet with a length.
func packet(id byte, body []byte) []byte {
	return append([]byte{0, 0, 1, id, byte(len(body) >> 8), byte(len(body))}, body...)
}

func padding(*device) []byte { return packet(0xbe, bytes.Repeat([]byte{0xff}, 61)) }

// private1 has what looks like a pack and more of the program in it.
func private1(*device) []byte {
	inner := []byte{0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0, 0, 1, 0xba, 0x44, 0, 4, 0, 0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, 0, 0, 1, 0x65}
	return packet(0xbd, inner)
}

func privateRaw(*device) []byte {
	return packet(0xbd, []byte("{\"rects\":[[0,0,1,1]]}\x00\x00\x01\xb9"))
}

func private2(*device) []byte { return packet(0xbf, []byte{7, 1, 0, 0, 1, 0xbc, 0, 0, 0x12}) }

func otherSystem(*device) []byte {
	var b []byte
	for _, id := range []byte{0xf0, 0xf1, 0xf2, 0xf8, 0xff} {
		b = append(b, packet(id, bytes.Repeat([]byte{id}, 40))...)
	}
	return b
}

// anotherVideo is a small picture of another stream.
func anotherVideo(w *device) []byte {
	return w.appendPES(nil, w.videoID+1, []byte{0, 0, 0, 1, 0x67, 0x42, 0, 0x1e, 0xff, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 0x88, 1}, stamp{})
}

func anotherSound(w *device) []byte {
	return w.appendPES(nil, w.soundID+1, bytes.Repeat([]byte{0x55}, 80), stamp{given: true, pts: w.soundClock})
}

// latm is a frame of AAC in an AudioSyncStream (ISO/IEC 14496-3, 1.7), bit by bit.
func latm(p *media.Packet) []byte {
	var body []byte
	free := 0 // bits of the last byte
	put := func(v, n int) {
		for n--; n >= 0; n-- {
			if free == 0 {
				body, free = append(body, 0), 8
			}
			free--
			body[len(body)-1] |= byte(v>>n&1) << free
		}
	}
	put(0, 1) // a StreamMuxConfig follows: of one program, layer and frame
	put(0b0100_0000_0000_000, 15)
	put(int(p.Track.Config[0])<<8|int(p.Track.Config[1]), 16) // with the flags of GASpecificConfig
	put(0, 3)
	put(255, 8)
	put(0, 2)
	n := len(p.Data)
	for ; n >= 255; n -= 255 {
		put(255, 8)
	}
	put(n, 8)
	for _, c := range p.Data {
		put(int(c), 8)
	}
	return append([]byte{0x56, 0xe0 | byte(len(body)>>8), byte(len(body))}, body...)
}
