package elementary

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

var (
	sps = []byte{0, 0, 0, 1, 0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08}
	pps = []byte{0, 0, 0, 1, 0x68, 0xee, 0x3c, 0x80}
)

// newStream returns a stream, and the packets that it makes.
func newStream(codec media.Codec) (*Stream, *[]*media.Packet) {
	var got []*media.Packet
	s := New(media.Track{ID: 1, Codec: codec}, func(p *media.Packet) error {
		got = append(got, p)
		return nil
	})
	return s, &got
}

func at(ms int) Stamp {
	t := time.Duration(ms) * time.Millisecond
	return Stamp{DTS: t, PTS: t, Given: true}
}

// Cameras send the parameter sets and each part of a big picture in PES packets of their own: those of one stamp, or without, are one picture.
func TestPictureInManyPackets(t *testing.T) {
	s, got := newStream(media.H264)
	big := append([]byte{0, 0, 1, 0x65, 0x88}, bytes.Repeat([]byte{0xab}, 150_000)...)
	require.NoError(t, s.Push(sps, at(40)))
	require.NoError(t, s.Push(pps, at(40)))
	require.NoError(t, s.Push(big[:65_000], at(40)))
	require.NoError(t, s.Push(big[65_000:130_000], Stamp{}))
	require.NoError(t, s.Push(big[130_000:], Stamp{}))
	require.Empty(t, *got, "it may go on")
	require.NoError(t, s.FlushBefore(at(40)))
	require.Empty(t, *got, "and does")
	require.NoError(t, s.FlushBefore(at(80)))
	require.Len(t, *got, 1)
	p := (*got)[0]
	require.True(t, p.Key)
	require.Equal(t, big[3:], p.Data[4:])
	require.Equal(t, 40*time.Millisecond, p.DTS)
	require.NotEmpty(t, s.Track().Config)
}

// Nobody gets pictures that refer to what is missing, or before a decoder could be set up.
func TestPicturesThatAreLeftOut(t *testing.T) {
	s, got := newStream(media.H264)
	key, other := []byte{0, 0, 1, 0x65, 0x88, 1}, []byte{0, 0, 1, 0x41, 0x9a, 1}
	push := func(ms int, parts ...[]byte) { require.NoError(t, s.Push(bytes.Join(parts, nil), at(ms))) }
	push(0, key) // without parameter sets
	require.Nil(t, s.Track())
	push(40, sps, pps, key)
	push(80, other)
	push(120, other)
	s.Lose()
	push(160, other)
	push(200, other)
	push(240, key)
	push(280, other)
	require.NoError(t, s.Flush())
	var stamps []int
	for _, p := range *got {
		stamps = append(stamps, int(p.DTS.Milliseconds()))
	}
	require.Equal(t, []int{40, 80, 240, 280}, stamps)
}

func TestPictureTooBig(t *testing.T) {
	s, got := newStream(media.H264)
	require.NoError(t, s.Push(append(bytes.Clone(sps), pps...), at(0)))
	part := bytes.Repeat([]byte{0xab}, 1<<20)
	var err error
	for range 9 {
		err = s.Push(part, Stamp{})
		if err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrBadData)
	require.NoError(t, s.Flush())
	require.Empty(t, *got)

	many := bytes.Repeat([]byte{0, 0, 1, 0x65, 0x48}, maxUnits+1) // none is the first of a picture
	require.NoError(t, s.Push(many, at(40)))
	require.ErrorIs(t, s.Flush(), ErrBadData)
}

// A group of pictures that is open begins with what the recovery point says.
func TestRecoveryPoint(t *testing.T) {
	s, got := newStream(media.H264)
	sei := []byte{0, 0, 1, 6, 6, 1, 0xc4, 0x80}
	require.NoError(t, s.Push(bytes.Join([][]byte{sps, pps, sei, {0, 0, 1, 0x41, 0x9a, 1}}, nil), at(0)))
	require.NoError(t, s.Push([]byte{0, 0, 1, 0x41, 0x9a, 1}, at(40)))
	require.NoError(t, s.Flush())
	require.True(t, (*got)[0].Key)
	require.False(t, (*got)[1].Key)
}

// adtsFrame is one of 48 kHz in stereo.
func adtsFrame(n int) []byte {
	size := adtsSize + n
	head := []byte{0xff, 0xf1, 1<<6 | 3<<2, 2<<6 | byte(size>>11), byte(size >> 3), byte(size<<5) | 0x1f, 0xfc}
	return append(head, bytes.Repeat([]byte{byte(n)}, n)...)
}

// A stamp is that of the first frame that begins in a PES packet; of those that go on from the last it is not.
func TestFramesAcrossPackets(t *testing.T) {
	s, got := newStream(media.AAC)
	all := bytes.Join([][]byte{adtsFrame(10), adtsFrame(20), adtsFrame(30), adtsFrame(40)}, nil)
	cut := len(adtsFrame(10)) + 5
	require.NoError(t, s.Push(all[:cut], at(1000)))
	require.NoError(t, s.Push(all[cut:], at(1100))) // the second goes on from the first packet
	var stamps []time.Duration
	for i, p := range *got {
		require.Len(t, p.Data, 10*(i+1))
		stamps = append(stamps, p.DTS.Truncate(time.Microsecond))
	}
	require.Equal(t, []time.Duration{
		time.Second, 1021333 * time.Microsecond, 1100 * time.Millisecond, 1121333 * time.Microsecond,
	}, stamps)
	require.Equal(t, []byte{0x11, 0x90}, s.Track().Config)
	require.Equal(t, 48000, s.Track().SampleRate)
}

// What is no frame is passed over, up to the next.
func TestFindsFrames(t *testing.T) {
	s, got := newStream(media.AAC)
	err := s.Push(bytes.Join([][]byte{{1, 2, 0xff, 3}, adtsFrame(10), {0xff, 0xff}, adtsFrame(20)}, nil), at(0))
	require.ErrorIs(t, err, ErrBadData)
	require.Len(t, *got, 2)
}

// The same codecs of any bytes: nothing is kept that has no bound.
func FuzzStream(f *testing.F) {
	f.Add(append(append(bytes.Clone(sps), pps...), 0, 0, 1, 0x65, 1), uint8(0), uint16(7))
	f.Add(append(adtsFrame(9), adtsFrame(3)...), uint8(2), uint16(5))
	f.Add([]byte{0x7f, 0xe0, 3, 1, 2, 3, 0x7f, 0xf4, 1, 0, 0, 2, 9, 9, 1}, uint8(4), uint16(9))
	codecs := []media.Codec{media.H264, media.H265, media.AAC, media.MP3, media.Opus, media.G711A}
	f.Fuzz(func(t *testing.T, b []byte, which uint8, piece uint16) {
		s, got := newStream(codecs[int(which)%len(codecs)])
		for i := 0; len(b) > 0; i++ {
			n := min(int(piece%500)+1, len(b))
			if err := s.Push(b[:n], Stamp{Given: i%3 == 0, PTS: time.Duration(i) * time.Millisecond}); err != nil {
				require.ErrorIs(t, err, ErrBadData)
			}
			b = b[n:]
		}
		if err := s.Flush(); err != nil {
			require.ErrorIs(t, err, ErrBadData)
		}
		for _, p := range *got {
			require.NotEmpty(t, p.Data)
			require.NotNil(t, p.Track)
		}
	})
}
