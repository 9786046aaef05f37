package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// FuzzNote reads what a file says of itself, and what it is called: what is taken for a note is written again as it was.
func FuzzNote(f *testing.F) {
	n := note{kind: FMP4, number: 7, start: time.UnixMicro(1764280000123456), stream: media.StreamKey{VHost: "v", App: "a", Name: "n/x"}, params: "token=1"}
	f.Add(n.box()[8+8+len(noteID):], "2026-11-27-12-00-05-0.mp4")
	f.Add([]byte{noteVersion}, "x.mp4")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if n, ok := parseNote(b); ok {
			again, ok := parseNote(n.box()[8+8+len(noteID):])
			require.True(t, ok)
			require.Equal(t, n, again)
		}
		if at, ok := beginsAt(name); ok {
			require.Equal(t, name[:len(nameLayout)], at.Format(nameLayout))
		}
		if n, ok := parseSegment(name); ok {
			again, ok := parseSegment(n.String())
			require.True(t, ok)
			require.Equal(t, n, again)
		}
		if at, err := parseTime(name); err == nil {
			require.False(t, at.IsZero() && name == "")
		}
	})
}
