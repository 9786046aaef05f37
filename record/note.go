package record

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/sluice-media/sluice/media"
)

// note is what an MP4 file says of its recording, in a box of ours that players pass over (ISO/IEC 14496-12, 4.2: uuid). With it a
// file that a crash has left is finished as it would have been.
type note struct {
	kind   Kind
	number int       // of the file in its recording
	start  time.Time // when its first packet was to be decoded
	stream media.StreamKey
	params string
}

// noteID is the type of the box.
const noteID = "\x5e\x1c\x7a\x02\x4b\x90\x4d\x33\xa8\x6f\x53\x6c\x75\x69\x63\x65"

const (
	noteVersion = 1
	noteSize    = 14 // without the texts
)

// box returns udta with the box of the note.
func (n *note) box() []byte {
	text := strings.Join([]string{n.stream.VHost, n.stream.App, n.stream.Name, n.params}, "\x00")
	size := 8 + len(noteID) + noteSize + len(text)
	b := make([]byte, 0, 8+size)
	b = binary.BigEndian.AppendUint32(b, uint32(8+size))
	b = append(b, "udta"...)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = append(b, "uuid"+noteID...)
	b = append(b, noteVersion, byte(n.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(n.number))
	b = binary.BigEndian.AppendUint64(b, uint64(n.start.UnixMicro()))
	return append(b, text...)
}

// parseNote reads what is in the box.
func parseNote(b []byte) (n note, ok bool) {
	if len(b) < noteSize || b[0] != noteVersion {
		return note{}, false
	}
	text := strings.Split(string(b[noteSize:]), "\x00")
	if len(text) != 4 {
		return note{}, false
	}
	n = note{
		kind: Kind(b[1]), number: int(binary.BigEndian.Uint32(b[2:])),
		start:  time.UnixMicro(int64(binary.BigEndian.Uint64(b[6:]))),
		stream: media.StreamKey{VHost: text[0], App: text[1], Name: text[2]}, params: text[3],
	}
	return n, true
}
