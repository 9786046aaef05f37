package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"
)

// sumsOf sums up parts of a file.
func sumsOf(t *testing.T, parts ...string) *sums {
	t.Helper()
	s := newSums(len(parts))
	for _, p := range parts {
		require.NoError(t, s.add(bytes.NewReader([]byte(p)), int64(len(p))))
	}
	return s
}

// The sums are those of the protocol: minio-go makes the same, and e3069283 is what everybody has for the CRC-32C of 123456789.
func TestSums(t *testing.T) {
	require.Equal(t, "4waSgw==", sumsOf(t, "123456789").checksum())
	s := sumsOf(t, "12345", "6789")
	require.Equal(t, "4waSgw==", s.checksum())
	var parts []minio.ObjectPart
	for i, p := range []string{"12345", "6789"} {
		parts = append(parts, minio.ObjectPart{PartNumber: i + 1, Size: int64(len(p)), ChecksumCRC32C: minio.ChecksumCRC32C.EncodeToString([]byte(p))})
	}
	composite, err := minio.ChecksumCRC32C.CompositeChecksum(parts)
	require.NoError(t, err)
	require.Equal(t, composite.Encoded(), s.composite())
	whole, err := minio.ChecksumFullObjectCRC32C.FullObjectChecksum(parts)
	require.NoError(t, err)
	require.Equal(t, whole.Encoded(), s.checksum())
	a, b := md5.Sum([]byte("12345")), md5.Sum([]byte("6789"))
	all := md5.Sum(append(a[:], b[:]...))
	require.Equal(t, hex.EncodeToString(all[:])+"-2", s.etag())
}

func TestCheckChecksum(t *testing.T) {
	s, other := sumsOf(t, "12345", "6789"), sumsOf(t, "12345", "6780")
	for name, c := range map[string]struct {
		value, mode string
		want        verdict
	}{
		"none":                     {"", "", unsaid},
		"whole":                    {s.checksum(), "FULL_OBJECT", matches},
		"whole, older":             {s.checksum(), "", matches},
		"another":                  {other.checksum(), "FULL_OBJECT", differs},
		"composite":                {s.composite() + "-2", "COMPOSITE", matches},
		"composite, older":         {s.composite() + "-2", "", matches},
		"composite of another":     {other.composite() + "-2", "COMPOSITE", differs},
		"composite of other parts": {s.composite() + "-3", "COMPOSITE", unsaid},
		"composite, no number":     {s.composite(), "COMPOSITE", matches},
		"composite of who knows":   {other.composite(), "COMPOSITE", unsaid},
	} {
		require.Equal(t, c.want, s.checkChecksum(minio.ObjectInfo{ChecksumCRC32C: c.value, ChecksumMode: c.mode}), name)
	}
}

func TestParseETag(t *testing.T) {
	const sum = "d41d8cd98f00b204e9800998ecf8427e"
	for text, want := range map[string]etag{
		sum:                                {md5: sum},
		"D41D8CD98F00B204E9800998ECF8427E": {md5: sum},
		sum + "-12":                        {md5: sum, parts: 12},
		sum + "-0":                         {},
		sum + "-x":                         {},
		sum + "00":                         {},
		"CJ/x":                             {},
		"":                                 {},
	} {
		require.Equal(t, want, parseETag(minio.ObjectInfo{ETag: text}), text)
	}
	for name, value := range map[string]string{
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256",
	} {
		require.Zero(t, parseETag(minio.ObjectInfo{ETag: sum, Metadata: http.Header{name: {value}}}))
	}
	aes := http.Header{"X-Amz-Server-Side-Encryption": {"AES256"}}
	require.Equal(t, sum, parseETag(minio.ObjectInfo{ETag: sum, Metadata: aes}).md5)
}

func TestCheckParts(t *testing.T) {
	s := sumsOf(t, "12345", "6789")
	good := parseETag(minio.ObjectInfo{ETag: s.etag()})
	require.Equal(t, matches, s.checkParts(good))
	require.Equal(t, differs, sumsOf(t, "12345", "6780").checkParts(good))
	require.Equal(t, unsaid, sumsOf(t, "123", "45", "6789").checkParts(good))
	require.Equal(t, unsaid, sumsOf(t, "1").checkParts(etag{md5: good.md5, parts: 1}))
}
