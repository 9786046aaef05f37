package chunk

import "encoding/binary"

// AppendHeader appends the header of a message's first chunk: format 0 with an absolute time stamp, which
// needs no memory of what was sent before, so that every peer can get the same bytes. csid is 2..63.
func AppendHeader(dst []byte, csid byte, typ byte, streamID, timestamp uint32, length int) []byte {
	stamp := min(timestamp, extended)
	dst = append(
		dst, csid, byte(stamp>>16), byte(stamp>>8), byte(stamp),
		byte(length>>16), byte(length>>8), byte(length), typ,
	)
	dst = binary.LittleEndian.AppendUint32(dst, streamID)
	if stamp == extended {
		dst = binary.BigEndian.AppendUint32(dst, timestamp)
	}
	return dst
}

// Split puts the headers of further chunks into the last length bytes of dst, the body that was appended
// behind what AppendHeader did, wherever it is longer than size.
func Split(dst []byte, csid byte, timestamp uint32, length, size int) []byte {
	more := (length - 1) / size
	if length == 0 || more == 0 {
		return dst
	}
	var head [5]byte
	head[0] = 3<<6 | csid
	header := head[:1]
	if timestamp >= extended {
		binary.BigEndian.PutUint32(head[1:], timestamp)
		header = head[:]
	}
	body := len(dst) - length
	for range more * len(header) {
		dst = append(dst, 0)
	}
	for i := more; i > 0; i-- { // from the end, so that nothing is overwritten before it has moved
		from := body + i*size
		to := from + i*len(header)
		copy(dst[to:], dst[from:min(from+size, body+length)])
		copy(dst[to-len(header):], header)
	}
	return dst
}

// AppendMessage appends a whole message.
func AppendMessage(dst []byte, csid byte, m Message, size int) []byte {
	dst = AppendHeader(dst, csid, m.Type, m.StreamID, m.Timestamp, len(m.Body))
	dst = append(dst, m.Body...)
	return Split(dst, csid, m.Timestamp, len(m.Body), size)
}
