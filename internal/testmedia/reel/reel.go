// Package reel makes tracks and packets of clips for the tests of muxers, and has ffmpeg decode what they make. It is apart
// from testmedia, which programs have in them and which tests of the packages below this one use.
package reel

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/media"
)

// Load returns the tracks and packets of an FLV file.
func Load(t testing.TB, flv []byte) ([]*media.Track, []*media.Packet) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(flv))
	require.NoError(t, err)
	source := c.Source()
	var list []*media.Packet
	for {
		p, err := source.ReadPacket(context.Background())
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return source.Tracks(), list
		}
		list = append(list, p)
	}
}
