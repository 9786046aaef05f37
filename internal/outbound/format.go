package outbound

import (
	"context"

	"github.com/sluice-media/sluice/media"
)

// Format returns what the pushes of a stream have in common that key tells apart from others, by ==: a stream that is pushed to many places
// is muxed once. build makes it for the first of them. Each calls release when it has ended. The error is that of [media.Share].
func Format(ctx context.Context, st *media.Stream, key any, build func() *media.Format) (f *media.Format, release func(), err error) {
	s, release, err := media.Share(ctx, st, key, 0, func(context.Context) (shared, error) { return shared{build()}, nil })
	if err != nil {
		return nil, nil, err
	}
	return s.Format, release, nil
}

// shared is a format that has nothing to be closed.
type shared struct{ *media.Format }

// Close implements [io.Closer].
func (shared) Close() error { return nil }
