package elementary

import (
	"bytes"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// latmOf puts frames of AAC in LATM by another library: each several times with the configuration, then without.
func latmOf(t testing.TB, packets []*media.Packet) (list [][]byte) {
	t.Helper()
	var config mpeg4audio.AudioSpecificConfig
	require.NoError(t, config.Unmarshal(packets[0].Track.Config))
	mux := &mpeg4audio.StreamMuxConfig{
		Programs: []*mpeg4audio.StreamMuxConfigProgram{{Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: &config, LatmBufferFullness: 255}}}},
	}
	for i, p := range packets {
		e := mpeg4audio.AudioMuxElement{MuxConfigPresent: true, UseSameStreamMux: i%5 > 0, StreamMuxConfig: mux, Payloads: [][][][]byte{{{p.Data}}}}
		b, err := e.Marshal()
		require.NoError(t, err)
		b, err = mpeg4audio.AudioSyncStream{AudioMuxElements: [][]byte{b}}.Marshal()
		require.NoError(t, err)
		list = append(list, b)
	}
	return list
}

// AAC in LATM is what it was, wherever PES packets begin, and from the first frame on that has a configuration.
func TestLATM(t *testing.T) {
	_, all := reel.Load(t, testmedia.H264())
	var want []*media.Packet
	for _, p := range all {
		if p.Track.Codec == media.AAC {
			want = append(want, p)
		}
	}
	list := latmOf(t, want)
	for _, c := range []struct{ size, from int }{{1 << 20, 0}, {50, 0}, {777, 0}, {300, 3}} {
		s, got := newStream(media.AAC)
		stream, stamp := bytes.Join(list[c.from:], nil), at(40)
		for len(stream) > 0 {
			require.NoError(t, s.Push(stream[:min(c.size, len(stream))], stamp))
			stream, stamp = stream[min(c.size, len(stream)):], Stamp{}
		}
		first := (c.from + 4) / 5 * 5
		require.Len(t, *got, len(want)-first)
		for i, p := range *got {
			require.Equal(t, want[first+i].Data, p.Data, i)
		}
		require.Equal(t, want[0].Track.Config[:2], s.Track().Config)
		require.Equal(t, want[0].Track.SampleRate, s.Track().SampleRate)
		require.Equal(t, want[0].Track.Channels, s.Track().Channels)
	}
}

// What LATM can say and is not taken is an error, and so is what ends early.
func TestLATMThatIsNotTaken(t *testing.T) {
	for name, b := range map[string][]byte{
		"version 1": {0x56, 0xe0, 4, 0x40, 0, 0, 0}, "two programs": {0x56, 0xe0, 4, 0x20, 0x08, 0, 0}, "nothing": {0x56, 0xe0, 0},
		"a frame longer than it": {0x56, 0xe0, 9, 0x20, 0x00, 0x11, 0xb0, 0x1f, 0xe0, 0xff, 0xff, 0xff},
	} {
		_, err := (&latm{}).cut(b)
		require.ErrorIs(t, err, ErrBadData, name)
	}
}

func FuzzLATM(f *testing.F) {
	_, all := reel.Load(f, testmedia.H264())
	for _, p := range all {
		if p.Track.Codec == media.AAC {
			list := latmOf(f, []*media.Packet{p, p})
			f.Add(list[0], uint8(9))
			break
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		s, got := newStream(media.AAC)
		stamp := at(0)
		for ; len(b) > 0; b = b[min(int(cut)+1, len(b)):] {
			_ = s.Push(b[:min(int(cut)+1, len(b))], stamp)
			stamp = Stamp{}
		}
		for _, p := range *got {
			require.NotEmpty(t, p.Data)
			require.Len(t, p.Track.Config, 2)
		}
	})
}
