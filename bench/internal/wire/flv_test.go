package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

func TestFLVReadsEveryTag(t *testing.T) {
	t.Parallel()
	b := slices.Concat(flvtest.Header(), flvtest.Tag(TypeVideo, 0x01020304, []byte{1, 2, 3}), flvtest.Tag(TypeAudio, 5, []byte{4}))
	f := NewFLV(bytes.NewReader(b))
	m, err := f.Next()
	require.NoError(t, err)
	require.Equal(t, Message{TypeVideo, 0x01020304, []byte{1, 2, 3}}, m)
	m, err = f.Next()
	require.NoError(t, err)
	require.Equal(t, Message{TypeAudio, 5, []byte{4}}, m)
	_, err = f.Next()
	require.ErrorIs(t, err, io.EOF)
}

func TestFLVRefusesBadBytes(t *testing.T) {
	t.Parallel()
	tag := flvtest.Tag(TypeVideo, 0, []byte{1, 2, 3})
	spoilt := func(i int, v byte) []byte {
		b := bytes.Clone(tag)
		b[i] = v
		return slices.Concat(flvtest.Header(), b)
	}
	for name, b := range map[string][]byte{
		"signature": []byte("FLX\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"),
		"offset":    []byte("FLV\x01\x05\x00\x00\x00\x0A\x00\x00\x00\x00"),
		"type":      spoilt(0, 7),
		"filter":    spoilt(0, 0x20|TypeVideo),
		"stream id": spoilt(10, 1),
		"tag size":  spoilt(len(tag)-1, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewFLV(bytes.NewReader(b)).Next()
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func FuzzFLV(f *testing.F) {
	f.Add(flvtest.File(100 * time.Millisecond))
	f.Add([]byte("FLV\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewFLV(bytes.NewReader(b))
		for {
			m, err := s.Next()
			if err != nil {
				known := errors.Is(err, ErrMalformed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
				require.True(t, known, "%v", err)
				return
			}
			require.LessOrEqual(t, len(m.Body), len(b))
		}
	})
}
