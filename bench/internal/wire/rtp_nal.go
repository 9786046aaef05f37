package wire

// h264 is the NAL units of H.264 and their RTP payload, RFC 6184 sections 1.3 and 5.4 to 5.8.
type h264 struct{}

func (h264) config() Message {
	return Message{Type: TypeVideo, Body: []byte{0x17, 0, 0, 0, 0, 1, 0, 0, 0, 0xFF, 0xE0, 0}}
}

func (h264) head(key bool) []byte {
	if key {
		return []byte{0x17, 1, 0, 0, 0}
	}
	return []byte{0x27, 1, 0, 0, 0}
}

func (h264) headerSize() int          { return 1 }
func (h264) kind(unit []byte) int     { return int(unit[0] & 0x1F) }
func (h264) coded(kind int) bool      { return kind >= 1 && kind <= 5 }
func (h264) random(kind int) bool     { return kind == 5 }
func (h264) opens(kind int) bool      { return kind >= 5 && kind <= 9 }
func (h264) parameters(kind int) bool { return kind == 7 || kind == 8 }
func (h264) aggregate(kind int) bool  { return kind == 24 }
func (h264) fragment(kind int) bool   { return kind == 28 }

func (h264) fragmentHead(b []byte) (header []byte, size int, begins, ends bool) {
	return []byte{b[0]&0xE0 | b[1]&0x1F}, 2, b[1]&0x80 != 0, b[1]&0x40 != 0
}

// h265 is the same of H.265, RFC 7798 sections 1.1.4 and 4.4.
type h265 struct{}

func (h265) config() Message {
	body := make([]byte, pictureHead+23)
	body[0] = 0x1C
	body[pictureHead+21] = 3 // units have lengths of four bytes
	return Message{Type: TypeVideo, Body: body}
}

func (h265) head(key bool) []byte {
	if key {
		return []byte{0x1C, 1, 0, 0, 0}
	}
	return []byte{0x2C, 1, 0, 0, 0}
}

func (h265) headerSize() int      { return 2 }
func (h265) kind(unit []byte) int { return int(unit[0] >> 1 & 0x3F) }
func (h265) coded(kind int) bool  { return kind < 32 }
func (h265) random(kind int) bool { return kind >= 16 && kind <= 21 }
func (h265) opens(kind int) bool {
	return kind >= 16 && kind <= 21 || kind >= 32 && kind <= 35 || kind == 39
}
func (h265) parameters(kind int) bool { return kind >= 32 && kind <= 34 }
func (h265) aggregate(kind int) bool  { return kind == 48 }
func (h265) fragment(kind int) bool   { return kind == 49 }

func (h265) fragmentHead(b []byte) (header []byte, size int, begins, ends bool) {
	return []byte{b[0]&0x81 | b[2]&0x3F<<1, b[1]}, 3, b[2]&0x80 != 0, b[2]&0x40 != 0
}
