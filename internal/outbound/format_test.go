package outbound_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/media"
)

type key struct{ legacy bool }

// Pushes of one kind have one format while there are any, and those of another kind or stream have another.
func TestFormat(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	publish := func(name string) *media.Stream {
		p, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: name}})
		require.NoError(t, err)
		return p.Stream()
	}
	a, b := publish("a"), publish("b")
	get := func(st *media.Stream, k key) (*media.Format, func()) {
		f, release, err := outbound.Format(t.Context(), st, k, func() *media.Format { return &media.Format{Name: "x"} })
		require.NoError(t, err)
		return f, release
	}
	first, release := get(a, key{})
	second, releaseSecond := get(a, key{})
	require.Same(t, first, second)
	other, releaseOther := get(a, key{legacy: true})
	defer releaseOther()
	require.NotSame(t, first, other)
	elsewhere, releaseElsewhere := get(b, key{})
	defer releaseElsewhere()
	require.NotSame(t, first, elsewhere)
	release()
	third, releaseThird := get(a, key{})
	require.Same(t, first, third)
	releaseSecond()
	a.Kick(media.ErrKicked)
	releaseThird()
	require.Eventually(t, func() bool {
		_, release, err := outbound.Format(t.Context(), a, key{}, func() *media.Format { return &media.Format{} })
		if err == nil {
			release()
		}
		return errors.Is(err, media.ErrStreamNotFound)
	}, 10*time.Second, time.Millisecond)
}
