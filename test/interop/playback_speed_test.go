package interop

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// Four viewers begin at the same place at different speeds, and all get every picture. The faster is further: when one at twice the
// speed has seen 24 s, after 11, one at half of it has seen 6.
func TestPlaybackSpeeds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f := getFilm(ctx, t)
	s := openCinema(t).show(t, f.path, "film.mp4")
	viewers := map[string]*rtspViewer{}
	for _, scale := range []string{"0.5", "1", "2", "4"} {
		v, err := watchRTSP(s.rtspURL(), scale)
		require.NoError(t, err)
		defer v.client.Close()
		require.NoError(t, v.play(20.5))
		viewers[scale] = v
	}
	const far = 24 * pictureRate
	seen := func(scale string) int { return len(viewers[scale].list()) }
	require.NoError(t, viewers["4"].await(ctx, far))
	require.Less(t, seen("1"), far)
	require.Less(t, seen("0.5"), far)
	require.NoError(t, viewers["2"].await(ctx, far))
	slow, usual := seen("0.5"), seen("1")
	require.Less(t, slow, usual)
	require.Less(t, usual, far)
	for scale, v := range viewers {
		if _, err := v.client.Pause(); err != nil { // the fastest may be at the end by now, and the server have left
			require.Equal(t, len(f.pictures)-keyBefore(20.5), seen(scale), "%v", err)
		}
		require.NoError(t, v.failed)
		require.NoError(t, v.check(f, keyBefore(20.5)), scale)
		t.Logf("at speed %s: %d pictures", scale, seen(scale))
	}
}
