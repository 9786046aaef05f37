package packetizer

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtplpcm"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpsimpleaudio"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func TestAAC(t *testing.T) {
	s := newSession(t, &media.Track{Codec: media.AAC}, testConfig(1400))
	d := &rtpmpeg4audio.Decoder{SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
	require.NoError(t, d.Init())
	for i := range 200 {
		au := noise(1+rand.IntN(1396), 0x21)
		packets := s.sendAll(&media.Packet{Track: s.track, PTS: at(i), Data: au})
		require.Len(t, packets, 1)
		require.Equal(t, [][]byte{au}, decode(t, d, packets, nil))
	}
}

// The decoder of gortsplib wants the size of the fragment in its AU header where RFC 3640, 3.2.1.1, has that of the
// access unit, so that this is checked by hand.
func TestAACFragments(t *testing.T) {
	for _, n := range []int{1396, 1397, 2792, 2793, 8191} {
		s := newSession(t, &media.Track{Codec: media.AAC}, testConfig(1400))
		au := noise(n)
		packets := s.sendAll(&media.Packet{Track: s.track, Data: au})
		require.Len(t, packets, (n+1395)/1396)
		var got []byte
		for _, p := range packets {
			require.Equal(t, []byte{0, 16, byte(n >> 5), byte(n << 3)}, p.Payload[:4])
			got = append(got, p.Payload[4:]...)
		}
		require.Equal(t, au, got)
	}
}

func TestSamples(t *testing.T) {
	for _, c := range []struct {
		codec           media.Codec
		channels, width int
	}{{media.G711A, 1, 1}, {media.G711U, 0, 1}, {media.G711A, 2, 2}, {media.L16, 1, 2}, {media.L16, 2, 4}, {media.L16, 6, 12}} {
		config := testConfig(1399)
		config.ClockRate = 8000
		s := newSession(t, &media.Track{Codec: c.codec, Channels: c.channels}, config)
		d := &rtplpcm.Decoder{BitDepth: 8 * c.width / max(c.channels, 1), ChannelCount: max(c.channels, 1)}
		require.NoError(t, d.Init())
		for i := range 100 {
			data := noise((1 + near(1399)) / c.width * c.width)
			var got []byte
			for _, p := range s.send(&media.Packet{Track: s.track, PTS: at(i), Data: data}) {
				require.Equal(t, s.timestamp(at(i))+uint32(len(got)/c.width), p.Timestamp)
				require.False(t, p.Marker)
				samples, err := d.Decode(p)
				require.NoError(t, err)
				got = append(got, samples...)
			}
			require.True(t, bytes.Equal(data, got))
		}
		if c.width > 1 {
			_, err := s.Append(nil, &media.Packet{Track: s.track, Data: noise(c.width + 1)})
			require.ErrorIs(t, err, ErrBadData)
		}
	}
}

func TestOpus(t *testing.T) {
	config := testConfig(1400)
	config.ClockRate = 48000
	s := newSession(t, &media.Track{Codec: media.Opus}, config)
	d := &rtpsimpleaudio.Decoder{}
	require.NoError(t, d.Init())
	for i := range 100 {
		data := noise(1 + rand.IntN(1400))
		packets := s.send(&media.Packet{Track: s.track, PTS: time.Duration(i) * 20 * time.Millisecond, Data: data})
		require.Len(t, packets, 1)
		require.Equal(t, config.Offset+uint32(i*960), packets[0].Timestamp)
		got, err := d.Decode(packets[0])
		require.NoError(t, err)
		require.Equal(t, data, got)
	}
	_, err := s.Append(nil, &media.Packet{Track: s.track, Data: noise(1401)})
	require.ErrorIs(t, err, ErrBadData)
}

func TestMP3(t *testing.T) {
	for limit := 256; limit < 450; limit += 3 {
		s := newSession(t, &media.Track{Codec: media.MP3}, testConfig(limit))
		d := &rtpmpeg1audio.Decoder{}
		require.NoError(t, d.Init())
		frame := noise(417, 0xff, 0xfb, 0x90, 0x64) // 128 kb/s, 44.1 kHz
		packets := s.send(&media.Packet{Track: s.track, PTS: at(1), Data: frame})
		require.Len(t, packets, (416+limit-4)/(limit-4))
		for _, p := range packets {
			require.Equal(t, s.timestamp(at(1)), p.Timestamp)
			require.False(t, p.Marker)
		}
		require.Equal(t, [][]byte{frame}, decode(t, d, packets, rtpmpeg1audio.ErrMorePacketsNeeded))
	}
}

func TestTooBig(t *testing.T) {
	for codec, n := range map[media.Codec]int{media.AAC: 8192, media.MP3: 65536, media.JPEG: 1<<24 + 1, media.L16: 65536} {
		track := &media.Track{Codec: codec, Channels: 701} // whose samples of 1402 bytes no packet holds
		s := newSession(t, track, testConfig(1400))
		b, err := s.Append([]byte{1}, &media.Packet{Track: track, Data: make([]byte, n)})
		require.ErrorIs(t, err, ErrBadData)
		require.Equal(t, []byte{1}, b)
	}
}
