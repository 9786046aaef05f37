package hlspull

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// locked encrypts a segment.
func locked(t testing.TB, data, secret, iv []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(secret)
	require.NoError(t, err)
	n := aes.BlockSize - len(data)%aes.BlockSize
	data = append(bytes.Clone(data), bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return data
}

// asked counts what is got from a disk.
type asked struct {
	*disk
	mu    sync.Mutex
	count map[string]int
}

func (a *asked) get(ctx context.Context, u string, from, length, limit int64) ([]byte, *url.URL, error) {
	data, at, err := a.disk.get(ctx, u, from, length, limit)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count[path.Base(u)]++
	return bytes.Clone(data), at, err
}

// What is encrypted comes as it was, with the initialization vector that the tag has or the number of the segment, in both playlists, and a
// key is got once.
func TestDecrypts(t *testing.T) {
	c := loadClip(t)
	one, two := []byte("0123456789abcdef"), []byte("fedcba9876543210")
	vector := func(last byte) []byte { return append(make([]byte, 15), last) }
	synctest.Test(t, func(t *testing.T) {
		a := &asked{disk: &disk{files: map[string][]byte{"one": one, "two": two}}, count: map[string]int{}}
		v := segments(t, c.video, 4, 0)
		for i, x := range []struct{ secret, iv []byte }{{one, vector(7)}, {one, vector(8)}, {two, vector(0xab)}} {
			v[i] = locked(t, v[i], x.secret, x.iv)
		}
		a.vod("v", "", v...)
		list := string(a.files["v.m3u8"])
		list = strings.Replace(list, "#EXTINF", "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-KEY:METHOD=AES-128,URI=\"one\"\n"+
			"#EXT-X-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"com.apple.streamingkeydelivery\",URI=\"skd://x\"\n#EXTINF", 1)
		list = strings.Replace(list, "#EXTINF:2,\nv2", "#EXT-X-KEY:METHOD=AES-128,URI=\"two\",IV=0xAB\n#EXTINF:2,\nv2", 1)
		list = strings.Replace(list, "#EXTINF:2,\nv3", "#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\nv3", 1)
		a.files["v.m3u8"] = []byte(list)
		a.vod("a", "", locked(t, transport(t, c.sound), one, vector(0)))
		a.files["a.m3u8"] = bytes.Replace(a.files["a.m3u8"], []byte("#EXTINF"), []byte("#EXT-X-KEY:METHOD=AES-128,URI=\"one\"\n#EXTINF"), 1)
		got := &received{}
		err := Run(t.Context(), base(t), []byte(withSound), Config{Get: a.get, Sink: got, Warn: func(err error) { t.Error(err) }, Idle: idle})
		require.NoError(t, err)
		requireAll(t, c.video, got.of(true), tsDelay)
		requireAll(t, c.sound, got.of(false), tsDelay)
		require.LessOrEqual(t, a.count["one"], 2, "both may have begun at once")
		require.Equal(t, 1, a.count["two"])
	})
}

// Why something cannot be decrypted is said.
func TestDecryptsNot(t *testing.T) {
	c := loadClip(t)
	secret, iv := []byte("0123456789abcdef"), make([]byte, 16)
	for name, x := range map[string]struct {
		tag, key, text string
		data           []byte
	}{
		"another key":   {key: "0123456789abcdeg", text: errPadding.Error()},
		"a short key":   {key: "x", text: "bad key: of 1 bytes"},
		"a long key":    {key: strings.Repeat("x", 17), text: "too long"},
		"no key":        {text: "the key: there is no k"},
		"a part":        {key: string(secret), data: make([]byte, 17), text: "17 bytes, which are no whole blocks"},
		"nothing":       {key: string(secret), data: []byte{}, text: "0 bytes, which are no whole blocks"},
		"SAMPLE-AES":    {tag: "METHOD=SAMPLE-AES,URI=\"k\"", text: "encrypted by \"SAMPLE-AES\""},
		"digital right": {tag: "METHOD=AES-128,URI=\"k\",KEYFORMAT=\"x\"", text: "encrypted by \"AES-128 of x\""},
		"odd vector":    {tag: "METHOD=AES-128,URI=\"k\",IV=0xg", text: "the initialization vector \"0xg\""},
		"long vector":   {tag: "METHOD=AES-128,URI=\"k\",IV=0x" + strings.Repeat("0", 33), text: "the initialization vector"},
		"no method":     {tag: "URI=\"k\"", text: "without a method"},
		"a file":        {tag: "METHOD=AES-128,URI=\"file:///etc/passwd\"", text: "the URI \"file:///etc/passwd\""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{files: map[string][]byte{}}
				if x.key != "" {
					d.files["k"] = []byte(x.key)
				}
				if x.data == nil {
					x.data = locked(t, transport(t, c.video), secret, iv)
				}
				if x.tag == "" {
					x.tag = "METHOD=AES-128,URI=\"k\""
				}
				d.vod("v", "", x.data)
				d.files["v.m3u8"] = bytes.Replace(d.files["v.m3u8"], []byte("#EXTINF"), []byte("#EXT-X-KEY:"+x.tag+"\n#EXTINF"), 1)
				got, _, err := run(t, d, strings.ReplaceAll(withSound, ",AUDIO=\"a\"", ""))
				require.ErrorContains(t, err, x.text)
				require.Empty(t, got.packets)
			})
		})
	}
}

// A key that has changed at its URL is got again.
func TestKeyChanges(t *testing.T) {
	k := &keys{}
	for i := range 2 * maxKeys {
		k.add(string(rune('a'+i)), []byte{byte(i)})
	}
	require.Len(t, k.list, maxKeys)
	last := string(rune('a' + 2*maxKeys - 1))
	require.NotNil(t, k.find(last))
	k.drop(last)
	require.Nil(t, k.find(last))

	c := loadClip(t)
	secret := []byte("0123456789abcdef")
	synctest.Test(t, func(t *testing.T) {
		d := &disk{files: map[string][]byte{"k": []byte("another key here")}}
		d.vod("v", "", locked(t, transport(t, c.video), secret, make([]byte, 16)))
		d.files["v.m3u8"] = bytes.Replace(d.files["v.m3u8"], []byte("#EXTINF"), []byte("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF"), 1)
		got := &received{}
		first := true
		get := func(ctx context.Context, u string, from, length, limit int64) ([]byte, *url.URL, error) {
			data, at, err := d.get(ctx, u, from, length, limit)
			if path.Base(u) == "k" && first {
				first = false
				d.files["k"] = secret
			}
			return bytes.Clone(data), at, err
		}
		text := strings.ReplaceAll(withSound, ",AUDIO=\"a\"", "")
		require.NoError(t, Run(t.Context(), base(t), []byte(text), Config{Get: get, Sink: got, Warn: func(err error) { t.Error(err) }, Idle: idle}))
		requireAll(t, c.video, got.of(true), tsDelay)
	})
}
