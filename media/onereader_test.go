package media_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// plainMuxer makes a chunk of each packet as it is.
type plainMuxer struct{}

func (plainMuxer) AppendHeader(dst []byte, _ *media.Description) ([]byte, error) {
	return append(dst, 'H'), nil
}
func (plainMuxer) AppendChange(dst []byte, _ *media.Description) ([]byte, error) { return dst, nil }
func (plainMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	return append(dst, p.Data...), nil
}

// What the one reader of a format has read is not kept for others, which begin at the next key frame. The first begins at the newest, and
// loses nothing.
func TestFormatOfOneReader(t *testing.T) {
	const size = 32 << 10
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	plain := &media.Format{Name: "plain", OneReader: true, New: func() media.Muxer { return plainMuxer{} }}
	n := 0
	write := func(count int) {
		for until := n + count; n < until; n++ {
			p := frame(video, time.Duration(n)*40*ms, n%10 == 0)
			p.Data = bytes.Repeat([]byte{byte(n)}, size)
			require.NoError(t, pub.WritePacket(p))
		}
	}
	read := func(r *media.Reader[media.Chunk], count int) (list []int) {
		buf := make([]media.Chunk, 4)
		for len(list) < count {
			k, err := r.ReadBatch(t.Context(), buf[:min(4, count-len(list))])
			require.NoError(t, err)
			for _, c := range buf[:k] {
				require.Len(t, c.Data, size)
				list = append(list, int(c.Data[0]))
			}
		}
		return list
	}
	write(18)
	r := pub.Stream().ReadFormat(plain)
	defer r.Close()
	require.Equal(t, []int{10, 11, 12, 13, 14, 15}, read(r, 6))
	write(1)
	late := pub.Stream().ReadFormat(plain)
	defer late.Close()
	require.Equal(t, []int{16, 17, 18}, read(r, 3))
	write(9)
	require.Equal(t, []int{20, 21}, read(late, 2))
	require.Equal(t, []int{19, 20, 21, 22, 23, 24, 25, 26, 27}, read(r, 9))
	require.Zero(t, r.Skipped())
}
