package cookbook

import (
	"context"
	"errors"
	"io"

	"github.com/sluice-media/sluice/media"
)

// readFrames gives the pictures of a stream to see, from the newest key frame on, until the stream or ctx ends. It is a
// viewer like any other: counted, listed and kickable, and asked about by OnPlay.
func readFrames(ctx context.Context, m *media.Server, key media.StreamKey, see func(*media.Packet)) error {
	p, err := m.Play(ctx, media.PlayRequest{Stream: key, Schema: "code"})
	if err != nil {
		return err
	}
	defer p.Close(nil)
	r := p.Read()
	batch := make([]*media.Packet, 64)
	for {
		n, err := r.ReadBatch(ctx, batch)
		for _, pkt := range batch[:n] {
			if pkt.Track.Codec.Video() {
				see(pkt) // pkt.Data is shared: read it, do not change it
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// counter counts the key frames of every stream that there is or will be: m.Tap(nil, counter). A tap is no viewer.
type counter func(key media.StreamKey)

var _ media.Tap = counter(nil)

// ServeStream is called once for each stream, on a goroutine of its own.
func (c counter) ServeStream(ctx context.Context, st *media.Stream) error {
	r := st.Read()
	defer r.Close()
	batch := make([]*media.Packet, 64)
	for {
		n, err := r.ReadBatch(ctx, batch)
		if err != nil {
			return nil //nolint:nilerr // the stream or the tap has ended
		}
		for _, pkt := range batch[:n] {
			if pkt.Key {
				c(st.Key())
			}
		}
	}
}
