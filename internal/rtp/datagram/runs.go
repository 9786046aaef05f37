package datagram

import "encoding/binary"

// A run is datagrams of one channel and one size, but for the last, which may be shorter: what UDP GSO sends
// in one call. Its head is the channel, the size and the bytes of all.
const (
	runHead  = 1 + 2 + 4
	maxRun   = 64 // UDP_MAX_SEGMENTS
	maxBytes = 65000
)

// AppendRuns turns interleaved frames into runs.
func AppendRuns(dst, frames []byte) []byte {
	head, count, open := 0, 0, false
	for len(frames) >= 4 {
		channel, size := frames[1], int(binary.BigEndian.Uint16(frames[2:]))
		packet := frames[4 : 4+size]
		frames = frames[4+size:]
		if open {
			unit, total := int(binary.BigEndian.Uint16(dst[head+1:])), len(dst)-head-runHead
			open = dst[head] == channel && size <= unit && total == count*unit && count < maxRun && total+size <= maxBytes
		}
		if !open {
			head, count, open = len(dst), 0, true
			dst = append(dst, channel, byte(size>>8), byte(size), 0, 0, 0, 0)
		}
		dst = append(dst, packet...)
		count++
		binary.BigEndian.PutUint32(dst[head+3:], uint32(len(dst)-head-runHead))
	}
	return dst
}

// TakeRun takes the first run off a chunk.
func TakeRun(chunk []byte) (channel byte, unit int, packets, rest []byte) {
	channel, unit = chunk[0], int(binary.BigEndian.Uint16(chunk[1:]))
	end := runHead + int(binary.BigEndian.Uint32(chunk[3:]))
	return channel, unit, chunk[runHead:end], chunk[end:]
}
