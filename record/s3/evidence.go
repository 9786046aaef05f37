package s3

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
)

// verdict is what one thing that a server says of an object means.
type verdict int

const (
	// unsaid is when it cannot be compared.
	unsaid verdict = iota
	matches
	differs
)

func verdictOf(same bool) verdict {
	if same {
		return matches
	}
	return differs
}

// checkChecksum compares the CRC-32C that a server says. It is of the whole object, or of the sums of its parts: older servers do not know
// the first, and say the second with the number of parts behind it.
func (s *sums) checkChecksum(info minio.ObjectInfo) verdict {
	value, number, numbered := strings.Cut(info.ChecksumCRC32C, "-")
	switch {
	case value == "":
		return unsaid
	case numbered && number != strconv.Itoa(len(s.parts)):
		return unsaid // it was sent in other parts
	case numbered:
		return verdictOf(value == s.composite())
	case info.ChecksumMode == minio.ChecksumCompositeMode.String():
		if value == s.composite() {
			return matches
		}
		return unsaid // of which parts is not said
	}
	return verdictOf(value == s.checksum())
}

// etag is what an ETag says: an MD5, of the object if there are no parts.
type etag struct {
	md5   string
	parts int
}

// parseETag returns what the ETag of an object says; nothing if it is made in another way.
func parseETag(info minio.ObjectInfo) etag {
	sum, number, numbered := strings.Cut(strings.ToLower(info.ETag), "-")
	if b, err := hex.DecodeString(sum); err != nil || len(b) != md5.Size || opaque(info) {
		return etag{}
	}
	if !numbered {
		return etag{md5: sum}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return etag{}
	}
	return etag{md5: sum, parts: n}
}

// opaque reports whether an object is encrypted in a way in which its ETag is no MD5, though it looks like one.
func opaque(info minio.ObjectInfo) bool {
	return strings.HasPrefix(info.Metadata.Get("X-Amz-Server-Side-Encryption"), "aws:") ||
		info.Metadata.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != ""
}

// checkParts compares an ETag that is made of parts. Of one part or other ones nothing can be said: some servers have such for all objects.
func (s *sums) checkParts(e etag) verdict {
	if e.parts < 2 || e.parts != len(s.parts) {
		return unsaid
	}
	return verdictOf(e.md5+"-"+strconv.Itoa(e.parts) == s.etag())
}
