package packetizer

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

type frameDecoder interface {
	Init() error
	Decode(*rtp.Packet) ([]byte, error)
}

func decodeFrame(t *testing.T, d frameDecoder, packets []*rtp.Packet) []byte {
	t.Helper()
	for _, p := range packets[:len(packets)-1] {
		_, err := d.Decode(p)
		require.True(t, errors.Is(err, rtpvp8.ErrMorePacketsNeeded) || errors.Is(err, rtpvp9.ErrMorePacketsNeeded) ||
			errors.Is(err, rtpmjpeg.ErrMorePacketsNeeded), "%v", err)
	}
	frame, err := d.Decode(packets[len(packets)-1])
	require.NoError(t, err)
	return frame
}

func TestVPX(t *testing.T) {
	for _, c := range []struct {
		codec media.Codec
		d     frameDecoder
		head  []byte
	}{
		{media.VP8, &rtpvp8.Decoder{}, nil},
		{media.VP9, &rtpvp9.Decoder{}, []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x77, 0xf0, 0x32, 0x34}}, // a key frame
	} {
		require.NoError(t, c.d.Init())
		for _, limit := range []int{256, 1400, 65523} {
			s := newSession(t, &media.Track{Codec: c.codec}, testConfig(limit))
			for i := range 20 {
				frame := noise(16+near(limit), c.head...)
				packets := s.sendAll(&media.Packet{Track: s.track, PTS: at(i), Data: frame})
				require.Equal(t, frame, decodeFrame(t, c.d, packets))
			}
		}
	}
}

func TestJPEG(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 160, 120))
	for i := range 160 * 120 {
		img.Set(i%160, i/160, color.RGBA{byte(i), byte(i / 160), byte(rand.IntN(256)), 255})
	}
	var file bytes.Buffer
	require.NoError(t, jpeg.Encode(&file, img, nil))
	want, err := jpeg.Decode(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	for _, limit := range []int{256, 1400, 65523} {
		s := newSession(t, &media.Track{Codec: media.JPEG}, testConfig(limit))
		d := &rtpmjpeg.Decoder{}
		require.NoError(t, d.Init())
		packets := s.sendAll(&media.Packet{Track: s.track, PTS: at(7), Data: file.Bytes()})
		got, err := jpeg.Decode(bytes.NewReader(decodeFrame(t, d, packets)))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// Broken frames, some of which the encoders of libraries fail on.
func TestEncoderFails(t *testing.T) {
	for codec, data := range map[media.Codec][]byte{
		media.VP9:  {0xff},
		media.JPEG: {0xff, 0xd8, 0xff, 0xdb}, // gortsplib reads beyond it
	} {
		s := newSession(t, &media.Track{Codec: codec}, testConfig(0))
		b, err := s.Append(nil, &media.Packet{Track: s.track, Data: data})
		require.ErrorIs(t, err, ErrBadData)
		require.Empty(t, b)
		require.Equal(t, counters{seq: s.seq}, s.sent)
	}
}

func TestAV1(t *testing.T) {
	for _, limit := range []int{256, 300, 1400, 65523} {
		s := newSession(t, &media.Track{Codec: media.AV1}, testConfig(limit))
		d := &rtpav1.Decoder{}
		require.NoError(t, d.Init())
		for i := range 60 {
			var obus av1.Bitstream
			for range 1 + rand.IntN(5) {
				obus = append(obus, noise(near(limit), 6<<3))
			}
			data, err := obus.Marshal()
			require.NoError(t, err)
			key := i%3 == 0
			packets := s.sendAll(&media.Packet{Track: s.track, PTS: at(i), Key: key, Data: data})
			require.Equal(t, [][]byte(obus), decode(t, d, packets, rtpav1.ErrMorePacketsNeeded))
			for i, p := range packets {
				require.Equal(t, key && i == 0, p.Payload[0]&av1Sequence != 0)
			}
		}
	}
}

func TestAV1Units(t *testing.T) {
	s := newSession(t, &media.Track{Codec: media.AV1}, testConfig(256))
	data := []byte{0x12, 0, 0x0a, 2, 8, 9, 0x36, 0x28, 3, 1, 2, 3} // delimiter, sequence header, frame with extension
	packets := s.sendAll(&media.Packet{Track: s.track, Data: data})
	require.Len(t, packets, 1)
	require.Equal(t, []byte{0, 3, 8, 8, 9, 5, 0x34, 0x28, 1, 2, 3}, packets[0].Payload)
	for n := range data {
		if n == 0 || n == 2 || n == 6 {
			continue // whole OBUs
		}
		_, err := s.Append(nil, &media.Packet{Track: s.track, Data: data[:n]})
		require.ErrorIs(t, err, ErrBadData, n)
	}
}
