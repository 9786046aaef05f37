package rtmp

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

var testTrack = &media.Track{ID: 1, Codec: media.H264, Config: []byte{1, 2, 3}}

func testPacket(n int, at time.Duration) *media.Packet {
	return &media.Packet{Track: testTrack, DTS: at, PTS: at, Key: true, Data: bytes.Repeat([]byte{7}, n)}
}

// A muxed packet reads back as the message that it is, however long it is and however late.
func TestMuxedPacketsReadBack(t *testing.T) {
	for _, n := range []int{1, 59994, 59995, 59996, 200_000} {
		for _, at := range []time.Duration{0, 0xffffff * time.Millisecond, 0x12345678 * time.Millisecond} {
			m := newFormat(false).New()
			wire, err := m.AppendPacket(chunk.AppendUint32Message(nil, chunk.TypeSetChunkSize, outChunkSize), testPacket(n, at))
			require.NoError(t, err)
			r := chunk.NewReader(bytes.NewReader(wire), nil)
			_, err = r.Next()
			require.NoError(t, err)
			got, err := r.Next()
			require.NoError(t, err)
			require.Len(t, got.Body, 5+n)
			require.Equal(t, uint32(at/time.Millisecond), got.Timestamp)
		}
	}
	out, err := newFormat(false).New().AppendPacket(nil, &media.Packet{Track: &media.Track{Codec: media.JPEG}, Data: []byte{1}})
	require.NoError(t, err)
	require.Empty(t, out)
}

// Messages do not say of which track of a kind they are: only the first of each is sent.
func TestMessagesOfTwoCameras(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Close()) }()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "test"}})
	require.NoError(t, err)
	other := *testTrack
	other.ID++
	require.NoError(t, pub.SetTracks(testTrack, &other))
	r := pub.Stream().ReadFormat(newFormat(false))
	defer r.Close()
	for i := range 3 {
		first := testPacket(10, time.Duration(i)*time.Second)
		second := *first
		second.Track = &other
		require.NoError(t, pub.WritePacket(first))
		require.NoError(t, pub.WritePacket(&second))
	}
	list := make([]media.Chunk, 8)
	n, err := r.ReadBatch(t.Context(), list)
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func BenchmarkMuxer(b *testing.B) {
	m, p := newFormat(false).New(), testPacket(10_000, time.Second)
	dst := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.AppendPacket(dst, p); err != nil {
			b.Fatal(err)
		}
	}
}

func TestStreamNames(t *testing.T) {
	for _, c := range []struct {
		tcURL, app, name, params string
		vhost                    bool
		want                     hook.StreamKey
	}{
		{"rtmp://h:1935/live", "live", "test", "", true, hook.StreamKey{VHost: "h", App: "live", Name: "test"}},
		{"rtmp://h:1935/live", "live", "test", "", false, hook.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}},
		{"rtmp://10.0.0.1/live", "live", "test", "", true, hook.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}},
		{"rtmp://[::1]/live", "live", "test", "", true, hook.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}},
		{"rtmp://localhost/live", "live", "test", "", true, hook.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}},
		{"rtmp://h/live", "live", "test?vhost=v&a=1", "vhost=v&a=1", true, hook.StreamKey{VHost: "v", App: "live", Name: "test"}},
		{"rtmp://h/live/a", "live/a", "b", "", true, hook.StreamKey{VHost: "h", App: "live", Name: "a/b"}},
		{"rtmp://h/live/a", "live/a", "", "", true, hook.StreamKey{VHost: "h", App: "live", Name: "a"}},
		{"rtmp://h/live?k=v", "live?k=v", "test?x=y", "x=y&k=v", true, hook.StreamKey{VHost: "h", App: "live", Name: "test"}},
		{"rtmp://h/record", "record", "mp4:dir/f.mp4", "", true, hook.StreamKey{VHost: "h", App: "record", Name: "dir/f.mp4"}},
		{"rtmp://h/record", "record", "mp4:f", "", true, hook.StreamKey{VHost: "h", App: "record", Name: "f.mp4"}},
		{"rtmp://h/live", "live", "a:b", "", true, hook.StreamKey{VHost: "h", App: "live", Name: "a:b"}},
		{"::", "", "", "", true, hook.StreamKey{VHost: hook.DefaultVHost}},
	} {
		key, params, err := newLink(c.tcURL, c.app).stream(c.name, c.vhost)
		require.NoError(t, err)
		require.Equal(t, c.want, key, "%+v", c)
		require.Equal(t, c.params, params, "%+v", c)
	}
}
