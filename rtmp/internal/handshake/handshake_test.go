package handshake

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer is a client that has sent all it has to say.
type peer struct {
	in  io.Reader
	out bytes.Buffer
}

func (p *peer) Read(b []byte) (int, error)  { return p.in.Read(b) }
func (p *peer) Write(b []byte) (int, error) { return p.out.Write(b) }

func shake(t *testing.T, c1 []byte) (s1, s2 []byte) {
	t.Helper()
	p := &peer{in: bytes.NewReader(bytes.Join([][]byte{{3}, c1, make([]byte, size)}, nil))}
	require.NoError(t, Serve(p))
	out := p.out.Bytes()
	require.Len(t, out, 1+2*size)
	require.EqualValues(t, 3, out[0])
	return out[1 : 1+size], out[1+size:]
}

func TestSimple(t *testing.T) {
	c1 := make([]byte, size)
	_, _ = rand.Read(c1)
	copy(c1[4:], []byte{0, 0, 0, 0})
	s1, s2 := shake(t, c1)
	require.Equal(t, c1, s2)
	require.Equal(t, make([]byte, 4), s1[4:8])
}

func TestDigest(t *testing.T) {
	for name, at := range map[string]func([]byte) int{"scheme 0": digestAt0, "scheme 1": digestAt1} {
		t.Run(name, func(t *testing.T) {
			c1 := make([]byte, size)
			_, _ = rand.Read(c1)
			pos := at(c1)
			sum := digest(c1, pos, clientKey)
			copy(c1[pos:], sum)
			s1, s2 := shake(t, c1)
			pos = at(s1)
			require.Equal(t, digest(s1, pos, serverKey), s1[pos:pos+digestSize])
			key := sign([]byte(serverKey+keySuffix), sum)
			require.Equal(t, sign(key, s2[:size-digestSize]), s2[size-digestSize:])
		})
	}
}

func TestRefusals(t *testing.T) {
	require.ErrorIs(t, Serve(&peer{in: bytes.NewReader([]byte{6})}), ErrEncrypted)
	require.ErrorContains(t, Serve(&peer{in: bytes.NewReader([]byte("GET / HTTP/1.1"))}), "is not RTMP")
	for _, n := range []int{0, 1, 100, 1 + size, 2 * size} {
		err := Serve(&peer{in: bytes.NewReader(append([]byte{3}, make([]byte, 2*size)...)[:n])})
		require.Error(t, err)
		require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
	}
}

func FuzzServe(f *testing.F) {
	f.Add(append([]byte{3}, make([]byte, 2*size)...))
	f.Add([]byte{6})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &peer{in: bytes.NewReader(b)}
		if Serve(p) == nil {
			require.Len(t, p.out.Bytes(), 1+2*size)
		}
	})
}
