package mp4

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// entry is a sample entry (14496-12, 8.5.2).
type entry struct {
	track      *media.Track
	lengthSize int // of NAL units in the file; 0 where there are none
}

// entries are those of a track. What cannot be read is nil.
type entries []*entry

func (c entries) get(i uint32) *entry {
	if uint64(i) >= uint64(len(c)) {
		return nil
	}
	return c[i]
}

// video reports whether the entries are of pictures.
func (c entries) video() bool {
	for _, e := range c {
		if e != nil {
			return e.track.Codec.Video()
		}
	}
	return false
}

// parseEntries reads a stsd box. names are the kinds of those that cannot be read.
func parseEntries(stsd []byte, scale uint32) (c entries, names []string) {
	f, version, _ := fullBox(stsd)
	n := min(f.u32(), maxEntries)
	for b := range boxesIn(f.b) {
		if uint32(len(c)) == n {
			break
		}
		e := parseEntry(b, version, scale)
		if e == nil {
			names = append(names, string(b.kind[:]))
		}
		c = append(c, e)
	}
	return c, names
}

// parseEntry reads a sample entry; nil if it is not known, or of no use.
func parseEntry(b box, version byte, scale uint32) *entry {
	switch string(b.kind[:]) {
	case "avc1", "avc3":
		return visual(b.body, media.H264, "avcC")
	case "hvc1", "hev1":
		return visual(b.body, media.H265, "hvcC")
	case "av01":
		return visual(b.body, media.AV1, "av1C")
	case "vp08":
		return visual(b.body, media.VP8, "vpcC")
	case "vp09":
		return visual(b.body, media.VP9, "vpcC")
	case "mp4a":
		return sound(b.body, media.AAC, version, scale)
	case ".mp3", "ms\x00U":
		return sound(b.body, media.MP3, version, scale)
	case "Opus":
		return sound(b.body, media.Opus, version, scale)
	case "alaw":
		return sound(b.body, media.G711A, version, scale)
	case "ulaw":
		return sound(b.body, media.G711U, version, scale)
	}
	return nil
}

// printable is a kind of box for a log line.
func printable(kind []byte) string {
	for _, b := range kind {
		if b < ' ' || b > '~' {
			return fmt.Sprintf("0x%x", kind)
		}
	}
	return string(kind)
}
