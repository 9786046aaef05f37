package packetizer

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func FuzzAppend(f *testing.F) {
	avc, hevc := avcTrack(noise(20, 0x67), noise(5, 0x68)), hevcTrack(noise(20, 0x40, 1), noise(40, 0x42, 1), noise(5, 0x44, 1))
	f.Add(int(media.H264), avc.Config, join(noise(20, 0x06), noise(700, 0x65)), 0, int64(0), true)
	f.Add(int(media.H265), hevc.Config, join(noise(20, 0x4e, 1), noise(700, 0x26, 1)), 0, int64(1), true)
	f.Add(int(media.AV1), []byte{}, []byte{0x12, 0, 0x0a, 2, 8, 9, 0x36, 0x28, 3, 1, 2, 3}, 0, int64(2), true)
	f.Add(int(media.VP9), []byte{}, []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x77, 0xf0, 0x32, 0x34}, 0, int64(3), false)
	f.Add(int(media.JPEG), []byte{}, []byte{0xff, 0xd8, 0xff, 0xdb, 0, 2, 0xff, 0xda, 0, 2, 1, 2}, 0, int64(4), false)
	f.Add(int(media.RawRTP), []byte{}, append([]byte{0xb1, 96}, noise(40)...), 0, int64(5), false)
	for _, codec := range []media.Codec{media.AAC, media.G711A, media.Opus, media.MP3, media.L16, media.VP8} {
		f.Add(int(codec), []byte{}, noise(700), 2, int64(-6), false)
	}
	f.Fuzz(func(t *testing.T, codec int, config, data []byte, channels int, pts int64, key bool) {
		track := &media.Track{Codec: media.Codec(codec), Config: config, Channels: channels & 0xff}
		z, err := New(track, testConfig(256))
		if err != nil {
			require.True(t, errors.Is(err, ErrUnsupported) || errors.Is(err, ErrBadData))
			return
		}
		b, err := z.Append([]byte{9}, &media.Packet{Track: track, PTS: time.Duration(pts), Key: key, Data: data})
		require.Equal(t, byte(9), b[0])
		if err != nil {
			require.ErrorIs(t, err, ErrBadData)
			require.Len(t, b, 1)
			require.Equal(t, counters{seq: 0xfffe}, z.sent)
			return
		}
		limit := rtpHeader + 256
		if track.Codec == media.RawRTP {
			limit = 65535
		}
		seq := uint16(0xfffe)
		for b = b[1:]; len(b) > 0; seq++ {
			n := int(binary.BigEndian.Uint16(b[2:]))
			require.Equal(t, []byte{'$', 4}, b[:2])
			require.True(t, n >= rtpHeader && n <= limit)
			require.Equal(t, byte(rtpVersion), b[4]>>6)
			require.Equal(t, seq, binary.BigEndian.Uint16(b[6:]))
			b = b[4+n:]
		}
		require.Equal(t, seq, z.sent.seq)
	})
}

func BenchmarkAppendH264(b *testing.B) {
	track := avcTrack(noise(20, 0x67), noise(5, 0x68))
	z, err := New(track, testConfig(1400))
	require.NoError(b, err)
	p := &media.Packet{Track: track, Key: true, Data: join(noise(20, 0x06), noise(10000, 0x65))}
	dst := make([]byte, 0, 20000)
	b.SetBytes(int64(len(p.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := z.Append(dst, p); err != nil {
			b.Fatal(err)
		}
	}
}

// The usual codecs cost no memory once the first packet has been sent.
func TestNoAllocation(t *testing.T) {
	avc, hevc := avcTrack(noise(20, 0x67), noise(5, 0x68)), hevcTrack(noise(20, 0x40, 1), noise(40, 0x42, 1), noise(5, 0x44, 1))
	obu := append([]byte{0x32, 0x90, 0x4e}, noise(10000)...)
	for _, p := range []*media.Packet{
		{Track: avc, Key: true, Data: join(noise(20, 0x06), noise(10000, 0x65))},
		{Track: hevc, Key: true, Data: join(noise(20, 0x4e, 1), noise(10000, 0x26, 1))},
		{Track: &media.Track{Codec: media.AV1}, Data: obu},
		{Track: &media.Track{Codec: media.AAC}, Data: noise(2000)},
		{Track: &media.Track{Codec: media.G711A}, Data: noise(2000)},
		{Track: &media.Track{Codec: media.Opus}, Data: noise(200)},
		{Track: &media.Track{Codec: media.MP3}, Data: noise(2000)},
		{Track: &media.Track{Codec: media.L16}, Data: noise(2000)},
	} {
		z, err := New(p.Track, testConfig(1400))
		require.NoError(t, err)
		dst := make([]byte, 0, 20000)
		require.Zero(t, testing.AllocsPerRun(10, func() {
			_, err := z.Append(dst, p)
			if err != nil {
				t.Error(err)
			}
		}), p.Track.Codec)
	}
}
