package media_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// mirrors counts the files in memory.
func mirrors(t *testing.T) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, f := range list {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, "/memfd:sluice") {
			n++
		}
	}
	return n
}

// The files in memory of a stream go when it ends, though its players have not read it to the end, and there are none if
// the Config says so.
func TestFilesEndWithTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		bytes int
		some  bool
	}{"default": {0, true}, "off": {-1, false}} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, media.Config{MergeWrite: 20 * time.Millisecond, MirrorBytes: c.bytes})
			pub := publish(t, s, video)
			for range 40 {
				p, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
				require.NoError(t, err)
				server, _ := pair(t)
				_, err = p.Feed(server, benchFormat, media.FeedOptions{})
				require.NoError(t, err)
			}
			for i := range 400 { // 16 MB, more than the sockets take
				at := time.Duration(i) * 40 * ms
				require.NoError(t, pub.WritePacket(&media.Packet{Track: video, DTS: at, PTS: at, Key: i == 0, Data: make([]byte, 40_000)}))
			}
			require.Equal(t, c.some, mirrors(t) > 0)
			pub.Close(nil)
			require.Eventually(t, func() bool { return mirrors(t) == 0 }, 10*time.Second, ms)
		})
	}
}
