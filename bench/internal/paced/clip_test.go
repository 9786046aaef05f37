package paced

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

func TestParseMakesAStepForEachPicture(t *testing.T) {
	t.Parallel()
	clip, err := Parse(flvtest.File(time.Second), 0)
	require.NoError(t, err)
	require.Len(t, clip.Steps, 26, "25 pictures and the sequence header")
	require.Equal(t, time.Second, clip.Length)
	require.InDelta(t, float64(len(clip.Data)), clip.Rate(), 0.1)
	media := slices.Concat(
		flvtest.Tag(flvtest.Video, 0, flvtest.AVCConfig()), flvtest.Tag(flvtest.Audio, 0, flvtest.AACConfig()), flvtest.Media(time.Second))
	require.Equal(t, media, clip.Data, "nothing but audio and video, in its order")
	requireSteps(t, clip, 0)
}

// requireSteps checks that steps come in order, at least apart apart, and cover the clip.
func requireSteps(t *testing.T, clip *Clip, apart time.Duration) {
	t.Helper()
	for i := 1; i < len(clip.Steps); i++ {
		require.Greater(t, clip.Steps[i].End, clip.Steps[i-1].End)
		if i < len(clip.Steps)-1 {
			require.GreaterOrEqual(t, clip.Steps[i].At-clip.Steps[i-1].At, apart)
		}
	}
	require.Equal(t, len(clip.Data), clip.Steps[len(clip.Steps)-1].End)
}

func TestParseMerges(t *testing.T) {
	t.Parallel()
	clip, err := Parse(flvtest.File(time.Second), 300*time.Millisecond)
	require.NoError(t, err)
	var at []time.Duration
	for _, s := range clip.Steps {
		at = append(at, s.At)
	}
	require.Equal(t, []time.Duration{0, 320 * time.Millisecond, 640 * time.Millisecond, 960 * time.Millisecond}, at)
	requireSteps(t, clip, 300*time.Millisecond)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	file := flvtest.File(time.Second)
	for name, b := range map[string][]byte{
		"empty":     nil,
		"no FLV":    []byte("RIFF and something else"),
		"cut tag":   file[:len(file)-1],
		"cut head":  append(flvtest.Header(), 9, 0),
		"no video":  slices.Concat(flvtest.Header(), flvtest.Tag(flvtest.Audio, 0, flvtest.AACFrame(3))),
		"no tags":   flvtest.Header(),
		"only meta": slices.Concat(flvtest.Header(), flvtest.Tag(flvtest.Script, 0, []byte{2, 0, 0})),
	} {
		_, err := Parse(b, 0)
		require.Error(t, err, name)
	}
}
