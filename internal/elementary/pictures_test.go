package elementary

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// byteStream is a picture as it is in a PES packet, without the delimiter that the encoder has put there.
func byteStream(p *media.Packet, delimiter ...byte) []byte {
	var b []byte
	if len(delimiter) > 0 {
		b = append([]byte{0, 0, 0, 1}, delimiter...)
	}
	for u := range h26x.Units(p.Data) {
		if !h26x.Idle(p.Track.Codec, h26x.UnitType(p.Track.Codec, u[0])) {
			b = append(append(b, 0, 0, 1), u...)
		}
	}
	return b
}

// picturesOf are those of a clip, in front of the first of which the parameter sets stand.
func picturesOf(t *testing.T, flv []byte) (sets []byte, list []*media.Packet) {
	t.Helper()
	_, packets := reel.Load(t, flv)
	for _, p := range packets {
		if p.Track.Codec.Video() {
			list = append(list, p)
		}
	}
	s, _, err := h26x.Parse(media.H264, list[0].Track.Config)
	require.NoError(t, err)
	return bytes.Join([][]byte{nil, s.SPS[0], s.PPS[0]}, []byte{0, 0, 0, 1}), list
}

// Of several pictures with one stamp each is a packet, and those behind the first are due at the distance of pictures: in one PES packet or
// several, with delimiters and without.
func TestPicturesWithOneStamp(t *testing.T) {
	sets, want := picturesOf(t, testmedia.H264())
	for name, c := range map[string]struct {
		each      int // pictures with a stamp
		packets   bool
		delimiter []byte
	}{
		"one": {each: 1}, "three": {each: 3}, "three with delimiters": {each: 3, delimiter: []byte{h26x.AVCDelimiter, 0xf0}},
		"PES packets without stamps": {each: 5, packets: true}, "all": {each: 400},
	} {
		t.Run(name, func(t *testing.T) {
			s, got := newStream(media.H264)
			for i, p := range want {
				b := byteStream(p, c.delimiter...)
				if i == 0 {
					b = append(bytes.Clone(sets), b...)
				}
				stamp := Stamp{DTS: p.DTS, PTS: p.DTS, Given: i%c.each == 0}
				if !c.packets && !stamp.Given { // it goes on in the same packet
					s.format.(*pictures).buf = append(s.format.(*pictures).buf, b...)
					continue
				}
				require.NoError(t, s.Push(b, stamp))
			}
			require.NoError(t, s.Flush())
			require.Len(t, *got, len(want))
			for i, p := range *got {
				require.Equal(t, byteStream(want[i]), byteStream(p), i)
				require.Equal(t, want[i].Key, p.Key, i)
				require.InDelta(t, want[i].DTS, p.DTS, float64(2*time.Millisecond), i)
				require.Equal(t, p.DTS, p.PTS)
			}
		})
	}
}

// H.265 is taken apart to the same pictures however many come at once.
func TestPicturesOfH265(t *testing.T) {
	raw := testmedia.H265()
	s, all := newStream(media.H265)
	require.NoError(t, s.Push(raw, at(0)))
	require.NoError(t, s.Flush())
	slices := 0
	boundaries := h26x.NewBoundaries(media.H265)
	require.NoError(t, eachUnit(raw, func(unit []byte) error {
		if boundaries.Begins(unit) {
			slices++
		}
		return nil
	}))
	require.Greater(t, slices, 20)
	require.Len(t, *all, slices)
	fps := s.Track().FPS
	require.NotZero(t, fps)
	for i, p := range *all {
		require.InDelta(t, float64(i)/fps, p.DTS.Seconds(), 0.001)
		require.Equal(t, p.Key, i == 0 || p.Key)
	}
}

// Where pictures are not shown in the order in which they are decoded, and have no stamps of their own, that is said.
func TestPicturesUnordered(t *testing.T) {
	s, got := newStream(media.H264)
	key, other := []byte{0, 0, 1, 0x65, 0x88, 1}, []byte{0, 0, 1, 0x41, 0x9a, 1}
	stamp := at(40)
	stamp.PTS += 80 * time.Millisecond
	require.NoError(t, s.Push(bytes.Join([][]byte{sps, pps, key, other}, nil), stamp))
	require.ErrorIs(t, s.FlushBefore(at(120)), errUnstamped)
	require.Len(t, *got, 2)
	require.Equal(t, 80*time.Millisecond, (*got)[1].DTS)
	require.Equal(t, 160*time.Millisecond, (*got)[1].PTS)
}

// What is wrong with a picture does not cost the one that ends it.
func TestPictureBehindABadOne(t *testing.T) {
	s, got := newStream(media.H264)
	key, other := []byte{0, 0, 1, 0x65, 0x88, 1}, []byte{0, 0, 1, 0x41, 0x9a, 1}
	stamp := at(40)
	stamp.PTS += 80 * time.Millisecond
	require.NoError(t, s.Push(bytes.Join([][]byte{sps, pps, key, other}, nil), stamp))
	require.ErrorIs(t, s.Push(other, at(120)), errUnstamped)
	require.NoError(t, s.Flush())
	require.Len(t, *got, 3)
}

// Very many pictures with one stamp are no stream of anybody.
func TestPicturesTooMany(t *testing.T) {
	s, got := newStream(media.H264)
	many := bytes.Repeat([]byte{0, 0, 1, 0x65, 0x88, 1}, maxPictures+1)
	require.NoError(t, s.Push(bytes.Join([][]byte{sps, pps, many}, nil), at(0)))
	require.ErrorIs(t, s.Flush(), ErrBadData)
	require.Len(t, *got, maxPictures)
	require.LessOrEqual(t, cap(s.format.(*pictures).done), fewPictures)
}
