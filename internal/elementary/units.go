package elementary

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// units are the NAL units of a picture.
type units struct {
	codec  media.Codec
	sets   *h26x.SetList
	data   []byte // what is kept, each behind its length in four bytes
	count  int
	slices bool // parts of the picture itself are there
	key    bool // decoding can start with it
}

// take keeps a unit, unless it says nothing or is a parameter set.
func (u *units) take(b []byte) error {
	head := 1
	if u.codec == media.H265 {
		head = 2
	}
	if len(b) < head {
		return nil
	}
	typ := h26x.UnitType(u.codec, b[0])
	if h26x.Idle(u.codec, typ) {
		return nil
	}
	if u.count++; u.count > maxUnits {
		return fmt.Errorf("%w: a picture of more than %d NAL units", ErrBadData, maxUnits)
	}
	switch taken, err := u.sets.Take(b); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBadData, err)
	case taken:
		return nil
	}
	u.slices = u.slices || h26x.IsSlice(u.codec, typ)
	u.key = u.key || h26x.StartsPicture(u.codec, b[0]) || h26x.RecoversAtOnce(u.codec, b)
	u.data = append(binary.BigEndian.AppendUint32(u.data, uint32(len(b))), b...)
	return nil
}

// eachUnit calls do with the NAL units of a byte stream (H.264, H.265, annex B), as long as it returns no error.
func eachUnit(b []byte, do func(unit []byte) error) error {
	at := startCode(b)
	for at < len(b) {
		b = b[at+3:]
		at = startCode(b)
		if err := do(bytes.TrimRight(b[:at], "\x00")); err != nil {
			return err
		}
	}
	return nil
}

// startCode returns where in b the next start code is; behind its end if there is none.
func startCode(b []byte) int {
	if at := bytes.Index(b, []byte{0, 0, 1}); at >= 0 {
		return at
	}
	return len(b)
}
