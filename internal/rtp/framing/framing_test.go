package framing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

const longest = 10 << 10

// rtpPacket is one of a source, with so many bytes of payload.
func rtpPacket(ssrc uint32, seq uint16, size int) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x80, 96}, seq)
	b = binary.BigEndian.AppendUint32(b, 3600*uint32(seq))
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return append(b, bytes.Repeat([]byte{byte(seq)}, size)...)
}

func report(ssrc uint32) []byte {
	b := []byte{0x80, 200, 0, 6}
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return append(b, make([]byte, 20)...)
}

func length(p []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...) }

func dollar(p []byte) []byte { return append([]byte{'$', 0}, length(p)...) }

func all(t *testing.T, from io.Reader) (packets [][]byte, lost int, err error) {
	t.Helper()
	r := NewReader(from, longest)
	for {
		p, gap, err := r.Next()
		if err != nil {
			return packets, lost, err
		}
		if gap {
			lost++
		}
		packets = append(packets, bytes.Clone(p))
	}
}

func TestPackets(t *testing.T) {
	want := [][]byte{rtpPacket(7, 1, 100), report(7), rtpPacket(7, 2, 0x2400-rtpHeader), rtpPacket(7, 3, 0), rtpPacket(7, 4, longest-rtpHeader)}
	for name, frame := range map[string]func([]byte) []byte{"length": length, "dollar": dollar} {
		var stream []byte
		for _, p := range want {
			stream = append(stream, frame(p)...)
		}
		for how, from := range map[string]io.Reader{"whole": bytes.NewReader(stream), "by bytes": iotest.OneByteReader(bytes.NewReader(stream))} {
			got, lost, err := all(t, from)
			require.Equal(t, io.EOF, err, "%s %s", name, how)
			require.Equal(t, want, got, "%s %s", name, how)
			require.Zero(t, lost)
		}
	}
}

// Garbage costs what is garbage, and no packet behind it.
func TestGarbage(t *testing.T) {
	garbage := map[string][]byte{
		"zeros": make([]byte, 5000), "text": []byte("GET / HTTP/1.0\r\n\r\n"), "a torn packet": length(rtpPacket(7, 9, 500))[:310],
		"its first half": length(rtpPacket(7, 9, 500))[250:], "a length": {0x80, 0x80}, "what looks like a packet": length(rtpPacket(99, 9, 50))[:20],
	}
	for name, b := range garbage {
		var stream []byte
		for seq := range uint16(4) {
			stream = append(stream, length(rtpPacket(7, seq, 200))...)
		}
		stream = append(stream, b...)
		for seq := range uint16(4) {
			stream = append(stream, length(rtpPacket(7, 100+seq, 200))...)
		}
		got, lost, err := all(t, bytes.NewReader(stream))
		require.Equal(t, io.EOF, err, name)
		last := got[len(got)-3:]
		for i, p := range last {
			require.Equal(t, rtpPacket(7, uint16(101+i), 200), p, name)
		}
		require.Equal(t, 1, lost, name)
	}
}

// A source may begin anew with another SSRC.
func TestAnotherSource(t *testing.T) {
	want := [][]byte{rtpPacket(7, 1, 10), rtpPacket(8, 1, 10), rtpPacket(8, 2, 10)}
	got, lost, err := all(t, bytes.NewReader(bytes.Join([][]byte{length(want[0]), length(want[1]), length(want[2])}, nil)))
	require.Equal(t, io.EOF, err)
	require.Equal(t, want, got)
	require.Zero(t, lost)
}

func TestNoRTP(t *testing.T) {
	_, _, err := all(t, bytes.NewReader(bytes.Repeat([]byte("no RTP "), 1<<18)))
	require.ErrorIs(t, err, ErrNoRTP)
	failure := errors.New("reset")
	_, _, err = all(t, io.MultiReader(bytes.NewReader(length(rtpPacket(7, 1, 5))), iotest.ErrReader(failure)))
	require.Equal(t, failure, err)
	_, _, err = all(t, bytes.NewReader(length(rtpPacket(7, 1, 50))[:30]))
	require.Equal(t, io.ErrUnexpectedEOF, err)
}

// FuzzReader reads what anybody may send. It ends, and what it takes for packets lies in what was sent.
func FuzzReader(f *testing.F) {
	f.Add(bytes.Join([][]byte{length(rtpPacket(7, 1, 10)), []byte("garbage"), dollar(rtpPacket(7, 2, 10)), length(report(7))}, nil))
	f.Add(length(rtpPacket(1, 2, 3))[:9])
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(iotest.HalfReader(bytes.NewReader(stream)), 1000)
		for {
			p, _, err := r.Next()
			if err != nil {
				return
			}
			require.True(t, bytes.Contains(stream, p))
			require.Equal(t, byte(2), p[0]>>6)
		}
	})
}
