package fmp4

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/sluice-media/sluice/media"
)

// appendInit appends the initialization segment: ftyp and moov, which extra boxes end.
func appendInit(dst []byte, tracks []*track, extra []byte) []byte {
	x := &boxes{dst}
	x.box("ftyp", func() {
		x.text("iso6")
		x.u32(1)
		x.text("iso6cmfcmp41")
	})
	x.box("moov", func() {
		x.full("mvhd", 0, 0, func() {
			x.zeros(8)
			x.u32(1000)
			x.u32(0) // duration: it is in the fragments
			x.u32(1 << 16)
			x.u16(1 << 8)
			x.zeros(10)
			x.matrix()
			x.zeros(24)
			x.u32(uint32(len(tracks)) + 1)
		})
		for _, t := range tracks {
			x.box("trak", func() { x.trak(t) })
		}
		x.box("mvex", func() {
			for _, t := range tracks {
				x.full("trex", 0, 0, func() {
					x.u32(t.number)
					x.u32(1)
					x.zeros(8)
					x.u32(flagsOf(!t.Codec.Video()))
				})
			}
		})
		x.u8(extra...)
	})
	return x.b
}

func (x *boxes) matrix() {
	for _, v := range [...]uint32{1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30} {
		x.u32(v)
	}
}

func (x *boxes) trak(t *track) {
	video := t.Codec.Video()
	x.full("tkhd", 0, 3, func() { // enabled, in the movie
		x.zeros(8)
		x.u32(t.number)
		x.zeros(4 + 4 + 8 + 4)
		if video {
			x.u16(0)
		} else {
			x.u16(1 << 8) // volume
		}
		x.u16(0)
		x.matrix()
		x.u32(uint32(t.Width) << 16)
		x.u32(uint32(t.Height) << 16)
	})
	x.box("mdia", func() {
		x.full("mdhd", 0, 0, func() {
			x.zeros(8)
			x.u32(t.scale)
			x.u32(0)
			x.u16(0x55c4) // und
			x.u16(0)
		})
		x.full("hdlr", 0, 0, func() {
			x.zeros(4)
			if video {
				x.text("vide")
			} else {
				x.text("soun")
			}
			x.zeros(12 + 1)
		})
		x.box("minf", func() {
			if video {
				x.full("vmhd", 0, 1, func() { x.zeros(8) })
			} else {
				x.full("smhd", 0, 0, func() { x.zeros(4) })
			}
			x.box("dinf", func() {
				x.full("dref", 0, 0, func() {
					x.u32(1)
					x.full("url ", 0, 1, func() {}) // in this file
				})
			})
			x.box("stbl", func() {
				x.full("stsd", 0, 0, func() {
					x.u32(1)
					x.entry(t)
				})
				x.full("stts", 0, 0, func() { x.u32(0) })
				x.full("stsc", 0, 0, func() { x.u32(0) })
				x.full("stsz", 0, 0, func() { x.zeros(8) })
				x.full("stco", 0, 0, func() { x.u32(0) })
			})
		})
	})
}

// entry appends the sample entry.
func (x *boxes) entry(t *track) {
	switch t.Codec {
	case media.H264:
		x.visual("avc1", t, "avcC", t.Config)
	case media.H265:
		x.visual("hvc1", t, "hvcC", t.Config)
	case media.AV1:
		x.visual("av01", t, "av1C", t.Config)
	case media.VP8:
		x.visual("vp08", t, "vpcC", vpConfig(t))
	case media.VP9:
		x.visual("vp09", t, "vpcC", vpConfig(t))
	case media.AAC:
		x.audio("mp4a", t, func() { x.esds(t, 0x40) })
	case media.MP3:
		x.audio("mp4a", t, func() { x.esds(t, 0x6b) })
	case media.Opus:
		x.audio("Opus", t, func() { x.raw("dOps", opusConfig(t)) })
	case media.G711A:
		x.audio("alaw", t, func() {})
	case media.G711U:
		x.audio("ulaw", t, func() {})
	}
}

// visual appends a VisualSampleEntry (14496-12, 12.1.3).
func (x *boxes) visual(name string, t *track, config string, record []byte) {
	x.box(name, func() {
		x.zeros(6)
		x.u16(1)
		x.zeros(16)
		x.u16(uint16(t.Width))
		x.u16(uint16(t.Height))
		x.u32(72 << 16)
		x.u32(72 << 16)
		x.zeros(4)
		x.u16(1)
		x.zeros(32)
		x.u16(24)
		x.u16(0xffff)
		x.raw(config, record)
	})
}

// audio appends an AudioSampleEntry (12.2.3).
func (x *boxes) audio(name string, t *track, config func()) {
	x.box(name, func() {
		x.zeros(6)
		x.u16(1)
		x.zeros(8)
		x.u16(uint16(max(t.Channels, 1)))
		x.u16(16)
		x.zeros(4)
		if t.scale <= math.MaxUint16 {
			x.u16(uint16(t.scale))
		} else {
			x.u16(0) // it does not fit; what follows says it
		}
		x.u16(0)
		config()
	})
}

// esds appends the descriptor of an MPEG stream (ISO/IEC 14496-14, 5.6; 14496-1, 7.2.6.5).
func (x *boxes) esds(t *track, object byte) {
	var specific []byte
	if t.Codec == media.AAC {
		specific = descriptor(5, t.Config)
	}
	config := append([]byte{object, 5<<2 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, specific...)
	stream := append([]byte{byte(t.number >> 8), byte(t.number), 0}, descriptor(4, config)...)
	stream = append(stream, descriptor(6, []byte{2})...)
	x.full("esds", 0, 0, func() { x.u8(descriptor(3, stream)...) })
}

// descriptor is one of 14496-1, its length in four bytes.
func descriptor(tag byte, body []byte) []byte {
	n := len(body)
	return append([]byte{tag, 0x80 | byte(n>>21), 0x80 | byte(n>>14), 0x80 | byte(n>>7), byte(n & 0x7f)}, body...)
}

// vpConfig is the VPCodecConfigurationRecord of a track; one of what most streams are if the track has none.
func vpConfig(t *track) []byte {
	version := []byte{1, 0, 0, 0} // and flags
	switch {
	case len(t.Config) >= 12 && bytes.HasPrefix(t.Config, version):
		return t.Config
	case len(t.Config) >= 8:
		return append(version, t.Config...)
	}
	const profile, level, depth, colocated, unspecified = 0, 31, 8 << 4, 1 << 1, 2
	return []byte{1, 0, 0, 0, profile, level, depth | colocated, unspecified, unspecified, unspecified, 0, 0}
}

// opusConfig is dOps (Opus in ISO BMFF, 4.3.2), which says what OpusHead does in the other order of bytes.
func opusConfig(t *track) []byte {
	if h := t.Config; len(h) >= 11 {
		b := []byte{0, h[1]}
		b = binary.BigEndian.AppendUint16(b, binary.LittleEndian.Uint16(h[2:]))
		b = binary.BigEndian.AppendUint32(b, binary.LittleEndian.Uint32(h[4:]))
		b = binary.BigEndian.AppendUint16(b, binary.LittleEndian.Uint16(h[8:]))
		return append(b, h[10:]...)
	}
	channels := byte(2)
	if t.Channels == 1 {
		channels = 1
	}
	return []byte{0, channels, 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0}
}
