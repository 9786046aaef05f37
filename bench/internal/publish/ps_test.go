package publish

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
	"github.com/sluice-media/sluice/internal/mpegps"
	"github.com/sluice-media/sluice/media"
)

// film is a clip with real parameter sets, whose pictures have no zeros: there are none in a row in a byte stream.
func film(d time.Duration) []byte {
	b := slices.Concat(flvtest.Header(), flvtest.Tag(flvtest.Video, 0, flvtest.AVCConfigWithSets()),
		flvtest.Tag(flvtest.Audio, 0, flvtest.AACConfig()))
	for at := uint32(0); at < uint32(d.Milliseconds()); at += 40 {
		picture := flvtest.AVCPicture(at%200 == 0, 3000)
		const head = 10 // and the first byte of the unit
		for i := range picture[head:] {
			picture[head+i] = byte(i)%200 | 0x80
		}
		b = slices.Concat(b, flvtest.Tag(flvtest.Audio, at, flvtest.AACFrame(100)), flvtest.Tag(flvtest.Video, at, picture))
	}
	return b
}

// sink collects what a program stream is taken for.
type sink struct {
	tracks  []*media.Track
	packets []*media.Packet
}

func (s *sink) SetTracks(tracks ...*media.Track) error {
	s.tracks = tracks
	return nil
}

func (s *sink) WritePacket(p *media.Packet) error {
	s.packets = append(s.packets, p)
	return nil
}

// Several passes through the clip are one program stream, whose packets have numbers without a gap and stamps that grow, and whose pictures and
// frames are those of the clip.
func TestProgramStream(t *testing.T) {
	t.Parallel()
	c, err := parseClip(film(400 * time.Millisecond))
	require.NoError(t, err)
	f, label, err := rtpForm(c)
	require.NoError(t, err)
	got := &sink{}
	d := mpegps.NewDemuxer(got, func(err error) { t.Error(err) })
	const passes = 3
	next := uint16(0)
	for pass := range uint32(passes) {
		for _, s := range f.steps {
			f.renew(s, pass)
			label(s, 0x12345678)
			for b := f.data[s.begin:s.end]; len(b) > 0; {
				n := frameHead + int(binary.BigEndian.Uint16(b[2:]))
				p := b[frameHead:n]
				require.Equal(t, next, binary.BigEndian.Uint16(p[2:]))
				require.EqualValues(t, 0x12345678, binary.BigEndian.Uint32(p[8:]))
				next++
				_, err := d.Write(p[rtpHead:])
				require.NoError(t, err)
				b = b[n:]
			}
		}
	}
	require.NoError(t, d.Close())
	require.Len(t, got.tracks, 2)
	slices.SortFunc(got.tracks, func(a, b *media.Track) int { return int(a.Codec) - int(b.Codec) })
	require.Equal(t, media.H264, got.tracks[0].Codec)
	require.Equal(t, media.AAC, got.tracks[1].Codec)
	require.Equal(t, 44100, got.tracks[1].SampleRate)

	var want []frame
	for pass := range uint32(passes) {
		for _, m := range c.frames {
			m.at += pass * uint32(c.length.Milliseconds())
			want = append(want, m)
		}
	}
	require.Len(t, got.packets, len(want))
	for _, video := range []bool{true, false} {
		var frames []frame
		for _, m := range want {
			if m.video == video {
				frames = append(frames, m)
			}
		}
		packets := slices.DeleteFunc(slices.Clone(got.packets), func(p *media.Packet) bool { return p.Track.Codec.Video() != video })
		require.Len(t, packets, len(frames))
		for i, p := range packets {
			require.InDelta(t, frames[i].at-frames[0].at, (p.DTS - packets[0].DTS).Milliseconds(), 1, "%v %d", video, i)
			if body := frames[i].body; video {
				require.True(t, bytes.HasSuffix(p.Data, body[5:]), "picture %d", i)
				require.Equal(t, frames[i].key, p.Key)
			} else {
				require.Equal(t, body[2:], p.Data, "frame %d", i)
			}
		}
	}
}

func TestProgramStreamNeedsConfigurations(t *testing.T) {
	t.Parallel()
	for _, file := range [][]byte{
		slices.Concat(flvtest.Header(), flvtest.Tag(flvtest.Video, 0, []byte{0x17, 0, 0, 0, 0, 1}), flvtest.Media(time.Second)),
		slices.Concat(flvtest.Header(), flvtest.Tag(flvtest.Video, 0, flvtest.AVCConfigWithSets()), flvtest.Media(time.Second)),
	} {
		c, err := parseClip(file)
		require.NoError(t, err)
		_, _, err = rtpForm(c)
		require.ErrorContains(t, err, "cut short")
	}
}
