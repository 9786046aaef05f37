package main

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the contract's
	"encoding/hex"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// prepareRelays brings the server into the state of a capture of what pulls and pushes.
func (g *stage) prepareRelays(name string) {
	switch name {
	case "addStreamProxy.ok", "addStreamProxy.rtsp_json", "on_demand.addStreamProxy":
		g.live()
	case "addStreamProxy.duplicate", "delStreamProxy.ok", "getProxyInfo.ok", "listStreamProxy.one", "listStreamProxy.by_key",
		"getMediaInfo.proxy":
		g.pull("p1", "rtmp", "28935", "")
	case "getMediaList.proxy":
		g.pull("p1", "rtmp", "28935", "")
		g.pull("p2", "rtsp", "28554", "&enable_hls=0")
	case "close_stream.proxy":
		g.pull("v", "rtmp", "28935", "")
	case "getProxyInfo.forced":
		g.call("addStreamProxy", "vhost=__defaultVhost__&app=proxy&stream=forced&timeout_sec=3&force=1&url="+url.QueryEscape("rtmp://127.0.0.1:1/a/b"))
	case "addStreamPusherProxy.ok":
		g.live()
	case "addFFmpegSource.ok":
		g.goOn()
	case "addFFmpegSource.duplicate", "delFFmpegSource.ok", "listFFmpegSource.one":
		g.goOn()
		g.call("addFFmpegSource", "timeout_ms=60000&src_url="+url.QueryEscape("rtmp://"+g.ports["28935"]+"/live/test")+
			"&dst_url="+url.QueryEscape("rtmp://"+g.ports["28935"]+"/ff/out"))
	case "getMediaInfo.ffmpeg":
		g.prepareRelays("listFFmpegSource.one")
		g.awaitPictures(media.StreamKey{App: "ff", Name: "out"})
	case "delStreamPusherProxy.ok", "getProxyPusherInfo.ok", "listStreamPusherProxy.one":
		g.live()
		g.call("addStreamPusherProxy", "schema=rtmp&vhost=__defaultVhost__&app=live&stream=test&dst_url="+
			url.QueryEscape("rtmp://"+g.ports["28935"]+"/push/dst"))
	default:
		g.prepareRTP(name)
	}
}

// pull has the server pull live/test from itself, and waits until the GOP is known.
func (g *stage) pull(name, scheme, port, options string) {
	if _, ok := g.media.Stream(media.StreamKey{VHost: "__defaultVhost__", App: "live", Name: "test"}); !ok {
		g.goOn()
	}
	g.call("addStreamProxy", "vhost=__defaultVhost__&app=proxy&stream="+name+"&media_timeout_ms=60000"+options+
		"&url="+url.QueryEscape(scheme+"://"+g.ports[port]+"/live/test"))
	g.awaitPictures(media.StreamKey{App: "proxy", Name: name})
}

// awaitPictures waits until a stream is whole, and its GOP known.
func (g *stage) awaitPictures(key media.StreamKey) {
	require.Eventually(g.t, func() bool {
		st, ok := g.media.Stream(key)
		if !ok || !g.isWhole(st) {
			return false
		}
		for _, t := range st.Stats().Tracks {
			if t.KeyFrames >= 2 {
				return true
			}
		}
		return false
	}, limit, time.Millisecond)
}

// goOn publishes live/test without an end.
func (g *stage) goOn() {
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(g.t, err)
	pub, err := g.media.Publish(g.t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "test"}, Schema: "rtmp"})
	require.NoError(g.t, err)
	ctx, cancel := context.WithCancel(g.t.Context())
	var playing sync.WaitGroup
	playing.Go(func() { _ = c.Play(ctx, pub) })
	g.t.Cleanup(func() {
		cancel()
		playing.Wait()
	})
	_, err = pub.Stream().Tracks(ctx)
	require.NoError(g.t, err)
}

// ported puts the ports of this server where a capture has those of its own.
func (g *stage) ported(text string) string {
	for port, addr := range g.ports {
		ours := addr[strings.LastIndexByte(addr, ':')+1:]
		text = strings.NewReplacer(":"+port, ":"+ours, "%3A"+port, "%3A"+ours).Replace(text)
	}
	for theirs, ours := range g.sums() {
		text = strings.ReplaceAll(text, theirs, ours)
	}
	return text
}

// sums are what stands for URLs in the keys of the captures, and in those here, where the port is another.
func (g *stage) sums() map[string]string {
	sum := func(path string) string {
		sum := md5.Sum([]byte("rtmp://" + g.ports["28935"] + path)) //nolint:gosec // the contract's
		return hex.EncodeToString(sum[:])
	}
	return map[string]string{"3b35414bf18e45d99e4770dae5932d1d": sum("/push/dst"), "15c26d9c27590a23b20d0472c34e7641": sum("/ff/out")}
}
