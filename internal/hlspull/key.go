package hlspull

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxKeys bounds the keys that are kept.
const maxKeys = 16

// aes128 is the method of keys that are taken.
const aes128 = "AES-128"

var (
	errKey     = errors.New("hls: bad key")
	errPadding = errors.New("hls: a segment cannot be decrypted: is the key another one?")
)

// key says how something is encrypted (RFC 8216, 4.3.2.4). Without a method it is not.
type key struct {
	method, uri string
	iv          [aes.BlockSize]byte
	numbered    bool // the initialization vector is the number of the segment
}

// key takes a tag of one, which holds for what follows. Of several in a row, which stand for the same key, the one that needs no system of
// digital rights counts.
func (x *parser) key(value string) error {
	k := key{method: attribute(value, "METHOD"), uri: attribute(value, "URI")}
	switch k.method {
	case "":
		return fmt.Errorf("%w: a key without a method", errPlaylist)
	case "NONE":
		x.lock, x.plain = key{}, false
		return nil
	}
	if format := attribute(value, "KEYFORMAT"); format != "" && format != "identity" {
		if x.plain {
			return nil
		}
		k.method += " of " + format[:min(len(format), 100)]
	} else {
		x.plain = true
	}
	iv := attribute(value, "IV")
	k.numbered = iv == ""
	if !k.numbered {
		digits, ok := strings.CutPrefix(strings.ToLower(iv), "0x")
		b, err := hex.DecodeString(strings.Repeat("0", max(2*len(k.iv)-len(digits), 0)) + digits)
		if !ok || err != nil || len(b) != len(k.iv) {
			return fmt.Errorf("%w: the initialization vector %.40q", errPlaylist, iv)
		}
		copy(k.iv[:], b)
	}
	x.lock = k
	return nil
}

// refused says why something cannot be decrypted, nil if it can.
func (k *key) refused() error {
	if k.method == "" || k.method == aes128 {
		return nil
	}
	return fmt.Errorf("%w by %.120q", errLocked, k.method)
}

// vector returns the initialization vector for a segment (5.2).
func (k *key) vector(number int64) []byte {
	iv := k.iv
	if k.numbered {
		binary.BigEndian.PutUint64(iv[8:], uint64(number))
	}
	return iv[:]
}

// keys are those that have been got, of all playlists of a stream.
type keys struct {
	mu   sync.Mutex
	list []knownKey // oldest first
}

type knownKey struct {
	url   string
	bytes []byte
}

func (k *keys) find(url string) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := slices.IndexFunc(k.list, func(x knownKey) bool { return x.url == url })
	if at < 0 {
		return nil
	}
	return k.list[at].bytes
}

func (k *keys) add(url string, b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, knownKey{url, b})
	if len(k.list) > maxKeys {
		k.list = slices.Delete(k.list, 0, 1)
	}
}

// drop forgets a key that has not fitted: there may be another one at its URL now.
func (k *keys) drop(url string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = slices.DeleteFunc(k.list, func(x knownKey) bool { return x.url == url })
}

// decrypt decrypts what a playlist names, in place.
func (c *client) decrypt(ctx context.Context, p *playlist, k *key, data, iv []byte) ([]byte, error) {
	u, err := resolve(p.base, k.uri)
	if err != nil {
		return nil, err
	}
	secret := c.keys.find(u.String())
	if secret == nil {
		if secret, _, err = c.Get(ctx, u.String(), 0, 0, aes.BlockSize); err != nil {
			return nil, fmt.Errorf("hls: the key: %w", err)
		}
		if len(secret) != aes.BlockSize {
			return nil, fmt.Errorf("%w: of %d bytes", errKey, len(secret))
		}
		c.keys.add(u.String(), secret)
	}
	if data, err = decrypt(data, secret, iv); err != nil {
		c.keys.drop(u.String())
	}
	return data, err
}

// decrypt decrypts in place, by AES in the mode CBC, and takes off the padding (RFC 5652, 6.3).
func decrypt(data, secret, iv []byte) ([]byte, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKey, err)
	}
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("hls: an encrypted segment of %d bytes, which are no whole blocks", len(data))
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	n := int(data[len(data)-1])
	if n == 0 || n > aes.BlockSize || !bytes.Equal(data[len(data)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, errPadding
	}
	return data[:len(data)-n], nil
}
