package packetizer

const (
	hevcAP = 48 // RFC 7798, 4.4.2
	hevcFU = 49 // RFC 7798, 4.4.3
)

// appendAP appends the payload header of an aggregate (RFC 7798, 4.4.2), whose layer and temporal ID are the
// lowest of the units.
func appendAP(dst []byte, units [][]byte) []byte {
	var forbidden byte
	layer, temporal := byte(0x3f), byte(7)
	for _, unit := range units {
		forbidden |= unit[0] & 0x80
		layer = min(layer, unit[0]&1<<5|unit[1]>>3)
		temporal = min(temporal, unit[1]&7)
	}
	return append(dst, forbidden|hevcAP<<1|layer>>5, layer<<3|temporal)
}

// appendFU appends payload header and FU header of a fragment (RFC 7798, 4.4.3).
func appendFU(dst, unit []byte, flags byte) []byte {
	return append(dst, unit[0]&0x81|hevcFU<<1, unit[1], flags|unit[0]>>1&0x3f)
}
