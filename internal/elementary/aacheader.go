package elementary

// ADTS is what an ADTS header (ISO/IEC 13818-7, 6.2) says of a stream.
type ADTS struct{ profile, rate, channels byte }

// MaxADTSData bounds a frame behind an ADTS header, in bytes: aac_frame_length has 13 bits.
const MaxADTSData = 1<<13 - 1 - adtsSize

// ParseADTS reads an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). It reports false for what ADTS cannot say: object types
// behind the fourth, and sample rates and channels beyond its tables. Of HE-AAC it takes the core, which says of itself that
// there is more.
func ParseADTS(b []byte) (c ADTS, ok bool) {
	if len(b) < 2 {
		return c, false
	}
	object, rate, channels := b[0]>>3, b[0]&7<<1|b[1]>>7, b[1]>>3&0xf
	if object == 5 || object == 29 { // SBR, PS: the rate of the extension and the object type of the core follow
		if len(b) < 3 {
			return c, false
		}
		if extended := b[1]&7<<1 | b[2]>>7; extended == 15 {
			return c, false
		}
		object = b[2] >> 2 & 0x1f
	}
	if object < 1 || object > 4 || rate > 12 || channels < 1 || channels > 7 {
		return c, false
	}
	return ADTS{object - 1, rate, channels}, true
}

// Append appends the header of a frame of n bytes.
func (c ADTS) Append(dst []byte, n int) []byte {
	n += adtsSize
	return append(
		dst, 0xff, 0xf1, c.profile<<6|c.rate<<2|c.channels>>2, c.channels<<6|byte(n>>11), byte(n>>3), byte(n<<5)|0x1f, 0xfc,
	)
}
