// Package digest asks devices for their passwords as GB/T 28181 does: by HTTP digest authentication with MD5 (RFC 2617),
// each nonce good for one registration.
package digest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

var (
	// ErrStale says that a nonce is not ours, too old, or has been used: the device may try again with another one.
	ErrStale = errors.New("digest: stale nonce")
	// ErrDenied says that the password, or what else is proved, is wrong.
	ErrDenied = errors.New("digest: denied")
	// ErrMalformed says that there is nothing to check.
	ErrMalformed = errors.New("digest: malformed authorization")
)

// DefaultLifetime is how long a nonce is good.
const DefaultLifetime = time.Minute

// Verifier makes challenges and checks what comes back. It keeps nothing of a challenge: nonces carry a serial number and the
// time, signed for one device. Its methods may be called from any goroutine.
type Verifier struct {
	realm    string
	lifetime time.Duration
	key      [sha256.Size]byte
	serial   atomic.Uint64
}

// New returns a verifier. A lifetime of 0 means DefaultLifetime.
func New(realm string, lifetime time.Duration) *Verifier {
	if lifetime <= 0 {
		lifetime = DefaultLifetime
	}
	v := &Verifier{realm: realm, lifetime: lifetime}
	_, _ = rand.Read(v.key[:]) // it does not fail: see there
	return v
}

// nonceSize is that of serial number, time and signature.
const nonceSize = 8 + 8 + 16

// Challenge returns the WWW-Authenticate header for a device. stale tells it that its password was not the reason.
func (v *Verifier) Challenge(user string, now time.Time, stale bool) string {
	nonce := make([]byte, 16, nonceSize)
	binary.BigEndian.PutUint64(nonce, v.serial.Add(1))
	binary.BigEndian.PutUint64(nonce[8:], uint64(now.UnixNano()))
	nonce = append(nonce, v.sign(user, nonce)...)
	header := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=MD5`, v.realm, hex.EncodeToString(nonce))
	if stale {
		header += ", stale=true"
	}
	return header
}

func (v *Verifier) sign(user string, nonce []byte) []byte {
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write(nonce[:16])
	mac.Write([]byte(user))
	return mac.Sum(nil)[:nonceSize-16]
}

// Check checks the Authorization header of a request. used is the serial number of the nonce that the device registered with
// last, or 0; it returns that of this one, which has to be greater. Errors match [ErrStale], [ErrDenied] or [ErrMalformed].
func (v *Verifier) Check(method, header, user, password string, used uint64, now time.Time) (serial uint64, err error) {
	c, ok := parse(header)
	if !ok {
		return 0, ErrMalformed
	}
	if c.username != user || c.realm != v.realm {
		return 0, ErrDenied
	}
	if !v.right(&c, method, password) {
		return 0, ErrDenied
	}
	nonce, err := hex.DecodeString(c.nonce)
	if err != nil || len(nonce) != nonceSize || !hmac.Equal(nonce[16:], v.sign(user, nonce)) {
		return 0, ErrStale
	}
	serial = binary.BigEndian.Uint64(nonce)
	age := now.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(nonce[8:]))))
	if age < 0 || age > v.lifetime || serial <= used {
		return 0, ErrStale
	}
	return serial, nil
}

// right reports whether the device knows the password.
func (v *Verifier) right(c *credentials, method, password string) bool {
	ha1 := hash(c.username + ":" + c.realm + ":" + password)
	ha2 := hash(method + ":" + c.uri)
	want := ha1 + ":" + c.nonce + ":" + ha2
	if c.qop != "" {
		want = ha1 + ":" + c.nonce + ":" + c.nc + ":" + c.cnonce + ":" + c.qop + ":" + ha2
	}
	return subtle.ConstantTimeCompare([]byte(hash(want)), []byte(c.response)) == 1
}

func hash(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Lifetime is how long a nonce is good.
func (v *Verifier) Lifetime() time.Duration { return v.lifetime }
