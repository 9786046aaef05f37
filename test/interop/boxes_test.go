package interop

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// box makes a box of MP4.
func box(kind string, content ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))
	return append(append(b, kind...), content...)
}

// boxOf returns the first box of a kind in others that lie side by side; nil if there is none.
func boxOf(b []byte, kind string) []byte {
	for len(b) >= 8 {
		n := int(binary.BigEndian.Uint32(b))
		if n < 8 || n > len(b) {
			return nil
		}
		if string(b[4:8]) == kind {
			return b[:n]
		}
		b = b[n:]
	}
	return nil
}

// wide writes the offsets of a file whose moov comes last in 64 bits.
func wide(b []byte) []byte {
	moov := boxOf(b, "moov")
	return append(slices.Clone(b[:len(b)-len(moov)]), widened(moov)...)
}

// widened writes the offsets in a box, and in those in it, in 64 bits.
func widened(b []byte) []byte {
	var out []byte
	for len(b) >= 8 {
		n := binary.BigEndian.Uint32(b)
		kind, content := string(b[4:8]), b[8:n]
		b = b[n:]
		switch kind {
		case "moov", "trak", "mdia", "minf", "stbl":
			out = append(out, box(kind, widened(content)...)...)
		case "stco":
			offsets := slices.Clone(content[:8])
			for rest := content[8:]; len(rest) >= 4; rest = rest[4:] {
				offsets = binary.BigEndian.AppendUint64(offsets, uint64(binary.BigEndian.Uint32(rest)))
			}
			out = append(out, box("co64", offsets...)...)
		default:
			out = append(out, box(kind, content...)...)
		}
	}
	return out
}

// metadataTrack makes a track of text one of timed metadata.
func metadataTrack(b []byte) []byte {
	for from, to := range map[string]string{"hdlr\x00\x00\x00\x00mhlrtext": "hdlr\x00\x00\x00\x00mhlrmeta", "hdlr\x00\x00\x00\x00mhlrsbtl": "hdlr\x00\x00\x00\x00mhlrmeta"} {
		b = bytes.ReplaceAll(b, []byte(from), []byte(to))
	}
	return b
}

// random returns bytes that are the same each time.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // it cannot fail
	return b
}

// nested returns boxes that lie in each other, all of which may have others in them.
func nested(depth int) []byte {
	kinds := []string{"moov", "trak", "mdia", "minf", "stbl", "udta", "meta"}
	b := make([]byte, 0, 8*depth)
	for i := range depth {
		b = binary.BigEndian.AppendUint32(b, uint32(8*(depth-i)))
		b = append(b, kinds[i%len(kinds)]...)
	}
	return append(box("ftyp", []byte("isom\x00\x00\x02\x00isom")...), b...)
}

// greedy says of every table of a file that it has two thousand million entries.
func greedy(b []byte) []byte {
	b = slices.Clone(b)
	for _, kind := range []string{"stts", "stsz", "stsc", "stco", "ctts", "stss"} {
		for at := 0; ; {
			i := bytes.Index(b[at:], []byte(kind))
			if i < 0 {
				break
			}
			at += i + 4
			count := b[at+4:]
			if kind == "stsz" {
				count = b[at+8:]
			}
			binary.BigEndian.PutUint32(count, 0x7fffffff)
		}
	}
	return b
}
