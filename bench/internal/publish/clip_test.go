package publish

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

// file is a clip of 400 ms: ten pictures, a key frame first, each of size bytes, with audio between them.
func file(size int) []byte {
	b := slices.Concat(flvtest.Header(), flvtest.Tag(flvtest.Video, 0, flvtest.AVCConfigWithSets()),
		flvtest.Tag(flvtest.Audio, 0, flvtest.AACConfig()))
	for i := range 10 {
		at := uint32(i * 40)
		b = append(b, flvtest.Tag(flvtest.Audio, at+3, flvtest.AACFrame(100))...)
		b = append(b, flvtest.Tag(flvtest.Video, at, flvtest.AVCPicture(i == 0, size))...)
		b = append(b, flvtest.Tag(flvtest.Audio, at+23, flvtest.AACFrame(100))...)
	}
	return append(b, flvtest.Tag(flvtest.Video, 400, []byte{0x17, 2, 0, 0, 0})...) // end of sequence, as ffmpeg writes it
}

func parsed(t *testing.T, size int) *clip {
	t.Helper()
	c, err := parseClip(file(size))
	require.NoError(t, err)
	return c
}

func TestParseClip(t *testing.T) {
	t.Parallel()
	c := parsed(t, 1000)
	require.Equal(t, 400*time.Millisecond, c.length)
	require.Len(t, c.frames, 30)
	require.Equal(t, flvtest.AVCConfigWithSets(), c.video)
	require.Equal(t, flvtest.AACConfig(), c.audio)
}

func TestParseClipRefuses(t *testing.T) {
	t.Parallel()
	key := flvtest.Tag(flvtest.Video, 0, flvtest.AVCPicture(true, 10))
	inter := flvtest.Tag(flvtest.Video, 40, flvtest.AVCPicture(false, 10))
	config := flvtest.Tag(flvtest.Video, 0, flvtest.AVCConfig())
	for name, tags := range map[string][]byte{
		"nothing":       nil,
		"no config":     slices.Concat(key, inter),
		"one picture":   slices.Concat(config, key),
		"no key frame":  slices.Concat(config, inter, inter),
		"another codec": flvtest.Tag(flvtest.Video, 0, []byte{0x12, 1, 2, 3, 4, 5}),
		"another sound": flvtest.Tag(flvtest.Audio, 0, []byte{0x2F, 1, 2, 3, 4, 5}),
		"cut short":     config[:20],
	} {
		_, err := parseClip(slices.Concat(flvtest.Header(), tags))
		require.Error(t, err, name)
	}
}

func TestStepsCoverTheClip(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"rtmp", "rtsp"} {
		f, err := newForm(proto, parsed(t, 5000))
		require.NoError(t, err)
		require.Len(t, f.steps, 10)
		end := 0
		for i, s := range f.steps {
			require.Equal(t, end, s.begin)
			require.Equal(t, time.Duration(i)*40*time.Millisecond, s.at)
			end = s.end
		}
		require.Len(t, f.data, end)
	}
}
