package hlspull

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// padded is a segment with packets of MPEG-TS behind it that say nothing (ISO/IEC 13818-1, 2.4.3.3).
func padded(segment []byte, size int) []byte {
	null := append([]byte{0x47, 0x1f, 0xff, 0x10}, bytes.Repeat([]byte{0xff}, 184)...)
	return append(bytes.Clone(segment), bytes.Repeat(null, (size-len(segment)+187)/188)...)
}

// While a segment is played two are got ahead, but only one if they are large; and all of it is played.
func TestHowManySegmentsAreGotAhead(t *testing.T) {
	c := loadClip(t)
	for name, x := range map[string]struct {
		size int
		want int32
	}{"small": {0, 3}, "large": {maxAhead + 1, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{files: map[string][]byte{}}
				var all [][]byte
				for _, s := range segments(t, c.video, 5, 0) {
					all = append(all, padded(s, max(x.size, len(s))))
				}
				d.vod("v", "", all...)
				var asked atomic.Int32
				got := &received{}
				ended := make(chan error, 1)
				go func() {
					ended <- Run(t.Context(), base(t), d.files["v.m3u8"], Config{
						Sink: got, Idle: idle, Warn: func(err error) { t.Error(err) },
						Get: func(ctx context.Context, u string, from, length, limit int64) ([]byte, *url.URL, error) {
							if !strings.HasSuffix(u, ".m3u8") {
								asked.Add(1)
							}
							return d.get(ctx, u, from, length, limit)
						},
					})
				}()
				time.Sleep(300 * time.Millisecond) // of a segment's 1.2 s
				synctest.Wait()
				require.Equal(t, x.want, asked.Load())
				require.NoError(t, <-ended)
				require.EqualValues(t, 5, asked.Load())
				requireAll(t, c.video, got.of(true), tsDelay)
			})
		})
	}
}

// A segment behind its initialization segment is read as one.
func TestReadsBehindTheInitializationSegment(t *testing.T) {
	for _, i := range []*item{{data: []byte("segment")}, {head: []byte("init"), data: []byte("segment")}, {head: []byte("init")}} {
		all := append(bytes.Clone(i.head), i.data...)
		require.EqualValues(t, len(all), i.size())
		require.Equal(t, all[:min(len(all), 4)], i.begin()[:4])
		require.NoError(t, iotest.TestReader(io.NewSectionReader(i, 0, i.size()), all))
		b := make([]byte, 4)
		n, err := i.ReadAt(b, i.size()-2)
		require.Equal(t, 2, n)
		require.ErrorIs(t, err, io.EOF)
		_, err = i.ReadAt(b, i.size()+1)
		require.ErrorIs(t, err, io.EOF)
	}
}
