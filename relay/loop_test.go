package relay

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// What is pulled of this server itself is no loop, unless it comes from what it makes: at once, or over others.
func TestLoops(t *testing.T) {
	for _, proto := range []string{"rtmp", "rtsp", "http"} {
		t.Run(proto, func(t *testing.T) {
			o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
			leave := publishCam(t, o.media)
			r, err := New(o.media, Config{})
			require.NoError(t, err)
			addr := map[string]string{"rtmp": o.rtmp, "rtsp": o.rtsp, "http": o.http}[proto]
			_, port, err := net.SplitHostPort(addr)
			require.NoError(t, err)
			url := func(name string) string {
				if proto == "http" {
					name += ".live.flv"
				}
				return proto + "://localhost:" + port + "/live/" + name
			}
			key := func(name string) media.StreamKey { return media.StreamKey{App: "live", Name: name}.Canonical() }
			retry := Retry{Timeout: patience, MediaTimeout: patience}
			for _, c := range [][2]string{{"a", "cam"}, {"b", "a"}, {"c", "b"}} {
				require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: key(c[0]), URL: url(c[1]), Retry: retry}))
			}

			// The camera goes for a while, and somebody has its stream pulled from here.
			for i, from := range []string{"cam", "c"} {
				require.Eventually(t, func() bool { // those behind the first stay connected to a stream that waits
					all := r.Pulls()
					return all[0].Retries >= i && all[0].State == Playing && all[1].State == Playing && all[2].State == Playing
				}, patience, time.Millisecond)
				leave()
				err := r.Pull(t.Context(), PullRequest{Stream: key("cam"), URL: url(from), Retry: retry})
				require.ErrorIs(t, err, ErrLoop)
				leave = publishCam(t, o.media)
			}
			leave()
		})
	}
}

// publishCam publishes live/cam until it leaves, as one that may come back.
func publishCam(t *testing.T, m *media.Server) (leave func()) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "cam"}})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Play(context.Background(), pub) // it ends with the publisher
	}()
	_, err = pub.Stream().Tracks(t.Context()) // before, nobody finds it
	require.NoError(t, err)
	return func() {
		pub.Close(io.ErrUnexpectedEOF)
		<-done
	}
}

// Who pulls a stream that his own server does not have is told that, and not that somebody out there is slow.
func TestAbsentHere(t *testing.T) {
	m, err := media.New(media.Config{PlayWait: 2 * patience})
	require.NoError(t, err)
	o, _ := serve(t, m, "127.0.0.1:0", "127.0.0.1:0")
	here, err := New(m, Config{})
	require.NoError(t, err)
	_, there := newRelay(t, Config{})
	for name, url := range map[string]string{
		"rtmp": "rtmp://" + o.rtmp + "/live/none", "rtsp": "rtsp://" + o.rtsp + "/live/none", "http": "http://" + o.http + "/live/none.live.flv",
		"ws": "ws://" + o.http + "/live/none.live.flv", "hls": "http://" + o.http + "/live/none/hls.m3u8",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := media.StreamKey{App: "pulled", Name: name}
			q := PullRequest{Stream: key, URL: url, Retry: Retry{Timeout: 2 * time.Second}}
			err := there.Pull(t.Context(), q)
			require.ErrorIs(t, err, errTimeout)
			err = here.Pull(t.Context(), q)
			require.ErrorIs(t, err, media.ErrStreamNotFound)
			require.ErrorContains(t, err, "this server itself")
		})
	}
}
