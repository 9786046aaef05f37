package packetizer

const (
	avcSTAPA = 24 // RFC 6184, 5.4
	avcFUA   = 28

	// The flags of FU headers (RFC 6184, 5.8; RFC 7798, 4.4.3).
	fuStart = 0x80
	fuEnd   = 0x40
)

// appendSTAPA appends the payload header of an aggregate (RFC 6184, 5.7.1): it is as important as the most
// important of the units, and as broken as any.
func appendSTAPA(dst []byte, units [][]byte) []byte {
	var forbidden, nri byte
	for _, unit := range units {
		forbidden |= unit[0] & 0x80
		nri = max(nri, unit[0]&0x60)
	}
	return append(dst, forbidden|nri|avcSTAPA)
}

// appendFUA appends FU indicator and FU header of a fragment (RFC 6184, 5.8).
func appendFUA(dst, unit []byte, flags byte) []byte {
	return append(dst, unit[0]&0xe0|avcFUA, flags|unit[0]&0x1f)
}
