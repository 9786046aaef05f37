package httphook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request.
const (
	// TimestampHeader holds when the request was signed, in Unix seconds.
	TimestampHeader = "X-Sluice-Timestamp"
	// SignatureHeader holds "sha256=" and the hexadecimal HMAC-SHA256 (RFC 2104) of the timestamp, a dot and the body.
	SignatureHeader = "X-Sluice-Signature"
)

// EventIDHeader names an observation from the outbox. It is the same at each delivery, so that a backend can tell what
// it has had.
const EventIDHeader = "X-Sluice-Event-Id"

const signaturePrefix = "sha256="

// ErrSignature is returned by [Verify] for a request that is not signed with the key, or too old.
var ErrSignature = errors.New("httphook: the request is not signed with the key, or too old")

// Verify is for backends: it checks that a request with this header and body was signed with the key of [Config.Key],
// and no longer than maxAge ago (nor so far in the future). It compares in constant time.
func Verify(header http.Header, body, key []byte, maxAge time.Duration) error {
	stamp := header.Get(TimestampHeader)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(key) == 0 {
		return ErrSignature
	}
	if age := time.Since(time.Unix(seconds, 0)); age.Abs() > maxAge {
		return ErrSignature
	}
	text, ok := strings.CutPrefix(header.Get(SignatureHeader), signaturePrefix)
	given, err := hex.DecodeString(text)
	if !ok || err != nil || !hmac.Equal(given, signature(key, stamp, body)) {
		return ErrSignature
	}
	return nil
}

func sign(header http.Header, body, key []byte, now time.Time) {
	if len(key) == 0 {
		return
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	header.Set(TimestampHeader, stamp)
	header.Set(SignatureHeader, signaturePrefix+hex.EncodeToString(signature(key, stamp, body)))
}

func signature(key []byte, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(stamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}
