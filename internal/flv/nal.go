package flv

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// units checks that data is NAL units behind lengths of size bytes, and returns it with lengths of four.
// key says that one of them is a picture at which decoding can start, empty that none is left.
func units(codec media.Codec, data []byte, size int) (out []byte, key, empty bool, err error) {
	if size != 4 {
		if data, err = widen(data, size); err != nil {
			return nil, false, false, err
		}
	}
	empty = true
	for rest := data; len(rest) > 0; {
		if len(rest) < 4 {
			return nil, false, false, fmt.Errorf("%w: a NAL unit without its length", ErrBadTag)
		}
		n := binary.BigEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-4) {
			return nil, false, false, fmt.Errorf("%w: a NAL unit of %d bytes in %d", ErrBadTag, n, len(rest)-4)
		}
		if n > 0 {
			empty = false
			key = key || h26x.StartsPicture(codec, rest[4])
		}
		rest = rest[4+n:]
	}
	return data, key, empty, nil
}

// widen turns NAL units with lengths of 1, 2 or 3 bytes into ones with 4.
func widen(data []byte, size int) ([]byte, error) {
	var out []byte
	for len(data) > 0 {
		if len(data) < size {
			return nil, fmt.Errorf("%w: a NAL unit without its length", ErrBadTag)
		}
		n := 0
		for _, b := range data[:size] {
			n = n<<8 | int(b)
		}
		data = data[size:]
		if n > len(data) {
			return nil, fmt.Errorf("%w: a NAL unit of %d bytes in %d", ErrBadTag, n, len(data))
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(n)), data[:n]...)
		data = data[n:]
	}
	return out, nil
}
