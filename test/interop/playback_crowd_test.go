package interop

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crowd is how many view one file at the same time, half of them by RTSP and half by RTMP.
const crowd = 100

// Each of a hundred viewers of one file seeks to a place of its own, and gets the key frame before that and all that follows.
func TestPlaybackToACrowd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f := getFilm(ctx, t)
	dir := t.TempDir()
	putRecording(t, dir, f.path, "film.mp4")
	c := screen(ctx, t, dir)
	begun, failed := time.Now(), make(chan error, crowd)
	for i := range crowd {
		place := float64(i) * (filmSeconds - 4) / crowd
		go func() {
			var err error
			if i%2 == 0 {
				err = viewByRTSP(ctx, f, c.rtsp, place)
			} else {
				err = viewByRTMP(ctx, f, c.rtmp, place, i%10 == 1)
			}
			if err != nil {
				err = fmt.Errorf("viewer %d at %.2f s: %w", i, place, err)
			}
			failed <- err
		}()
	}
	var errs []error
	for range crowd {
		if err := <-failed; err != nil {
			errs = append(errs, err)
		}
	}
	took := time.Since(begun)
	require.Empty(t, errs)
	used := c.end(t)
	t.Logf("%d viewers for %.1f s: the server used %.2f s of a CPU, %.1f ms for each viewer, its start included",
		crowd, took.Seconds(), used.Seconds(), 1000*used.Seconds()/crowd)
}

// viewedPictures is what each viewer watches at its place: four seconds, three of which take as long.
const viewedPictures = 4 * pictureRate

func viewByRTSP(ctx context.Context, f *film, url string, place float64) error {
	v, err := watchRTSP(url, "")
	if err != nil {
		return err
	}
	defer v.client.Close()
	if err := v.play(0); err != nil {
		return err
	}
	if err := v.await(ctx, 1); err != nil {
		return err
	}
	if err := v.check(f, 0); err != nil {
		return err
	}
	if err := v.seek(place); err != nil {
		return err
	}
	if err := v.await(ctx, viewedPictures); err != nil {
		return err
	}
	if _, err := v.client.Pause(); err != nil {
		return err
	}
	if v.failed != nil {
		return v.failed
	}
	return v.check(f, keyBefore(place))
}

func viewByRTMP(ctx context.Context, f *film, url string, place float64, pauses bool) error {
	v, err := watchRTMP(ctx, url)
	if err != nil {
		return err
	}
	defer v.client.Close()
	if err := v.watch(1); err != nil {
		return err
	}
	if err := v.check(f, 0); err != nil {
		return err
	}
	if err := v.seek(place); err != nil {
		return err
	}
	if pauses {
		if err := v.watch(1); err != nil {
			return err
		}
		if err := v.pause(300 * time.Millisecond); err != nil {
			return err
		}
	}
	if err := v.watch(viewedPictures); err != nil {
		return err
	}
	return v.check(f, keyBefore(place))
}
