package hlspull

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

// stampOwner is whose private frame of an ID3 tag says when a segment of packed audio begins (RFC 8216, 3.4).
const stampOwner = "com.apple.streaming.transportStreamTimestamp\x00"

// errUnstamped says that a segment of packed audio has no such frame.
var errUnstamped = fmt.Errorf("%w: a segment of packed audio does not say when it is due", errForm)

// packed is packed audio: frames behind an ID3 tag.
type packed struct {
	codec media.Codec
	es    *elementary.Stream // nil until one has come
	now   *media.Track       // what was told
	clock mpegts.Clock
}

// isPacked reports whether a segment is packed audio.
func isPacked(b []byte) bool {
	_, ok := packedCodec(b)
	return ok || bytes.HasPrefix(b, []byte("ID3"))
}

// packedCodec returns of which codec the frames are that begin: of AAC or MP3.
func packedCodec(b []byte) (codec media.Codec, ok bool) {
	switch {
	case len(b) < 2 || b[0] != 0xff:
		return 0, false
	case b[1]&0xf6 == 0xf0:
		return media.AAC, true
	case b[1]&0xe6 == 0xe2:
		return media.MP3, true
	}
	return 0, false
}

// packed takes a segment of packed audio.
func (p *play) packed(i *item) error {
	stamp, stamped, frames := takeTags(i.data)
	codec, ok := packedCodec(frames)
	switch {
	case !ok:
		return fmt.Errorf("%w: packed audio that begins with %q", errForm, frames[:min(len(frames), 8)])
	case !stamped:
		return errUnstamped
	}
	x := &p.raw
	if x.es == nil || x.codec != codec {
		x.codec, x.now = codec, nil
		x.es = elementary.New(media.Track{ID: 1, Codec: codec}, p.sound)
	}
	x.es.Lose() // no frame goes on in another segment
	at := x.clock.At(stamp)
	err := x.es.Push(frames, elementary.Stamp{DTS: at, PTS: at, Given: true})
	if errors.Is(err, elementary.ErrBadData) {
		p.warn(err)
		return nil
	}
	return err
}

// sound takes a frame.
func (p *play) sound(pkt *media.Packet) error {
	if x := &p.raw; x.now == nil {
		x.now = pkt.Track
		if err := p.SetTracks(pkt.Track); err != nil {
			return err
		}
	}
	return p.WritePacket(pkt)
}

// takeTags takes the ID3 tags off a segment (ID3v2.4, 3.1), and returns the stamp that they have, in ticks of 90 kHz.
func takeTags(b []byte) (stamp int64, stamped bool, rest []byte) {
	const head, stampSize = 10, 8
	for len(b) >= head && bytes.HasPrefix(b, []byte("ID3")) {
		size := head
		for i, c := range b[6:head] {
			size += int(c&0x7f) << (7 * (3 - i))
		}
		if b[5]&0x10 != 0 { // a footer
			size += head
		}
		tag := b[:min(size, len(b))]
		if _, value, found := bytes.Cut(tag, []byte(stampOwner)); found && len(value) >= stampSize && !stamped {
			stamp, stamped = int64(binary.BigEndian.Uint64(value)&(1<<33-1)), true
		}
		b = b[len(tag):]
	}
	return stamp, stamped, b
}
