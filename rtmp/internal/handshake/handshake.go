// Package handshake is the RTMP handshake, of a server and of a client: of a server the simple one of the specification (section
// 5.2) and the one with digests that Flash players and the encoders of its time insist on before they send or
// show H.264. The library at hand verifies digests only for RTMPE, hence this.
package handshake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Size is how many bytes each side sends.
const Size = 1 + 2*size

// ErrEncrypted refuses RTMPE: its cipher is per connection, so that nothing could be shared, and broken.
var ErrEncrypted = errors.New("rtmp: RTMPE is not supported, use RTMPS")

const (
	version    = 3
	size       = 1536 // of C1, C2, S1 and S2
	digestSize = sha256.Size

	// clientKey and serverKey sign C1 and S1.
	clientKey = "Genuine Adobe Flash Player 001"
	serverKey = "Genuine Adobe Flash Media Server 001"
	// keySuffix follows them where a whole message is signed.
	keySuffix = "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57" +
		"\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae"
)

// Serve shakes hands with a client. The caller bounds the time.
func Serve(rw io.ReadWriter) error {
	c1, err := readC0C1(rw)
	if err != nil {
		return err
	}
	reply, err := answer(c1)
	if err != nil {
		return err
	}
	if _, err := rw.Write(reply); err != nil {
		return fmt.Errorf("rtmp: handshake: %w", err)
	}
	// C2 holds nothing that matters, and many clients fill it wrongly.
	if _, err := io.CopyN(io.Discard, rw, size); err != nil {
		return fmt.Errorf("rtmp: handshake: C2: %w", err)
	}
	return nil
}

func readC0C1(r io.Reader) ([]byte, error) {
	var c0 [1]byte
	if _, err := io.ReadFull(r, c0[:]); err != nil {
		return nil, fmt.Errorf("rtmp: handshake: C0: %w", err)
	}
	switch {
	case c0[0] == 6 || c0[0] == 8:
		return nil, ErrEncrypted
	case c0[0] != version:
		return nil, fmt.Errorf("rtmp: handshake: version %d is not RTMP", c0[0])
	}
	c1 := make([]byte, size)
	if _, err := io.ReadFull(r, c1); err != nil {
		return nil, fmt.Errorf("rtmp: handshake: C1: %w", err)
	}
	return c1, nil
}

// answer returns S0, S1 and S2 for C1: with digests if C1 has a valid one, else the simple ones.
func answer(c1 []byte) ([]byte, error) {
	reply := make([]byte, Size)
	reply[0] = version
	s1, s2 := reply[1:1+size], reply[1+size:]
	if _, err := rand.Read(s1[8:]); err != nil {
		return nil, fmt.Errorf("rtmp: handshake: %w", err)
	}
	for _, at := range []func([]byte) int{digestAt0, digestAt1} {
		pos := at(c1)
		sum := digest(c1, pos, clientKey)
		if !hmac.Equal(sum, c1[pos:pos+digestSize]) {
			continue
		}
		copy(s1[4:], []byte{4, 5, 0, 1}) // a server version that signs
		pos = at(s1)
		copy(s1[pos:], digest(s1, pos, serverKey))
		if _, err := rand.Read(s2); err != nil {
			return nil, fmt.Errorf("rtmp: handshake: %w", err)
		}
		key := sign([]byte(serverKey+keySuffix), sum)
		copy(s2[size-digestSize:], sign(key, s2[:size-digestSize]))
		return reply, nil
	}
	copy(s2, c1)
	return reply, nil
}

// digestAt0 and digestAt1 find the digest by the two schemes there are: before the public key, or after it.
func digestAt0(b []byte) int { return 12 + sum4(b[8:12])%728 }
func digestAt1(b []byte) int { return 776 + sum4(b[772:776])%728 }

func sum4(b []byte) int { return int(b[0]) + int(b[1]) + int(b[2]) + int(b[3]) }

// digest signs b without the place at pos that the digest takes.
func digest(b []byte, pos int, key string) []byte {
	return sign([]byte(key), b[:pos], b[pos+digestSize:])
}

func sign(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
