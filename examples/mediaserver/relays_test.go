package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

// No relay calls the API of its own server, which would take it for somebody on this machine: not by a URL, nor because a server redirects it
// there or a playlist names it.
func TestRelaysDoNotCallTheServer(t *testing.T) {
	g := newHooked(t, nil, map[string]string{"api.trustLoopback": "1", "shell.port": "9000"})
	g.goOn()
	_, port, err := net.SplitHostPort(g.ports["28080"])
	require.NoError(t, err)
	_, telnet, err := net.SplitHostPort(g.ports["28900"])
	require.NoError(t, err)
	kick := ":" + port + "/index/api/close_streams?app=live&stream=test&force=1&x=.m3u8"
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/302" {
			http.Redirect(w, r, "http://127.0.0.1"+kick, http.StatusFound)
			return
		}
		fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1%s\n", kick)
	}))
	defer away.Close()
	for i, from := range []string{
		"http://127.0.0.1" + kick, "http://localhost" + kick, "http://[::1]" + kick, "http://[::ffff:127.0.0.1]" + kick, "http://127.1.2.3" + kick,
		"ws://127.0.0.1" + kick, "rtmp://127.0.0.1:" + port + "/a/b", "rtsp://127.0.0.1:" + telnet + "/a/b", away.URL + "/302", away.URL + "/x.m3u8",
	} {
		err := g.relay.Pull(t.Context(), relay.PullRequest{
			Stream: media.StreamKey{App: "proxy", Name: fmt.Sprint(i)}, URL: from, Retry: relay.Retry{Timeout: 2 * time.Second, MediaTimeout: time.Second},
		})
		require.Error(t, err, from)
		if u, _ := url.Parse(from); u.Port() == port || u.Port() == telnet {
			require.ErrorIs(t, err, relay.ErrAddress, from)
		}
	}
	_, err = g.relay.Snapshot(t.Context(), relay.SnapshotRequest{URL: "http://127.0.0.1" + kick})
	require.Error(t, err, "it is a stream of this server, which is not there")
	err = g.relay.RunFFmpeg(t.Context(), relay.FFmpegRequest{Source: "http://127.0.0.1" + kick, Destination: "rtmp://" + g.ports["28935"] + "/ff/x"})
	require.ErrorIs(t, err, relay.ErrAddress)
	_, ok := g.media.Stream(media.StreamKey{App: "live", Name: "test"}.Canonical())
	require.True(t, ok, "the stream would have been closed")
}
