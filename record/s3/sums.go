package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
)

// sum is what is known of a part.
type sum struct {
	md5 [md5.Size]byte
	crc uint32 // CRC-32C
}

// sums are what is known of a file, or of an object.
type sums struct {
	parts []sum
	whole hash.Hash32 // CRC-32C
}

func newSums(parts int) *sums {
	return &sums{parts: make([]sum, 0, parts), whole: newCRC()}
}

func newCRC() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// add reads the next part, and sums it up; also gets it, too.
func (s *sums) add(part io.Reader, size int64, also ...io.Writer) error {
	sum5, crc := md5.New(), newCRC()
	to := io.MultiWriter(append(also, sum5, crc, s.whole)...)
	if _, err := io.CopyN(to, part, size); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	s.parts = append(s.parts, sum{md5: [md5.Size]byte(sum5.Sum(nil)), crc: crc.Sum32()})
	return nil
}

// equal reports whether both are of the same bytes.
func (s *sums) equal(other *sums) bool {
	return slices.Equal(s.parts, other.parts) && s.whole.Sum32() == other.whole.Sum32()
}

// checksum is the CRC-32C of all, as the protocol says it.
func (s *sums) checksum() string { return encodeCRC(s.whole.Sum32()) }

// composite is the CRC-32C of those of the parts.
func (s *sums) composite() string {
	crc := newCRC()
	for _, p := range s.parts {
		_, _ = crc.Write(binary.BigEndian.AppendUint32(nil, p.crc))
	}
	return encodeCRC(crc.Sum32())
}

// etag is that of an object that was sent in these parts: the MD5 of the MD5s, and how many they are.
func (s *sums) etag() string {
	var all bytes.Buffer
	for _, p := range s.parts {
		all.Write(p.md5[:])
	}
	sum5 := md5.Sum(all.Bytes())
	return hex.EncodeToString(sum5[:]) + "-" + strconv.Itoa(len(s.parts))
}

func encodeCRC(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}
