package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// prepareRTP brings the server into the state of a capture of what receives and sends RTP.
func (g *stage) prepareRTP(name string) {
	switch name {
	case "closeRtpServer.app":
		g.openRTP("c2", "&app=gb&vhost=v.example")
	case "closeRtpServer.wrong_app":
		g.openRTP("c2", "&app=gb")
	case "closeRtpServer.ok", "listRtpServer.one":
		g.openRTP("c1", "&tcp_mode=1")
	case "connectRtpServer.not_active", "openRtpServer.duplicate", "pauseRtpCheck.ok", "resumeRtpCheck.ok":
		g.openRTP("r1", "")
	case "connectRtpServer.refused":
		g.openRTP("r4", "&tcp_mode=2")
	case "updateRtpServerSSRC.ok":
		g.openRTP("r2", "&tcp_mode=1&ssrc=12345")
	case "listRtpServer.many":
		for _, how := range []string{"r1", "r2&tcp_mode=1&ssrc=12345&only_track=2&re_use_port=1", "r3&tcp_mode=1", "r4&tcp_mode=2", "r6&app=gb&vhost=v.example", "r7"} {
			g.openRTP(how, "")
		}
	case "getRtpInfo.ok", "getMediaInfo.rtp_push":
		g.receive("r1", "&tcp_mode=1", "&is_udp=1")
	case "getRtpInfo.tcp":
		g.receive("rt", "&tcp_mode=1", "&is_udp=0")
	case "getRtpInfo.shared", "getMediaList.shared_rtp":
		g.goOn()
		_, port, err := net.SplitHostPort(g.ports["28100"])
		require.NoError(g.t, err)
		g.sendRTP("305419896", port, "&is_udp=1")
		g.awaitPictures(media.StreamKey{App: "rtp", Name: "12345678"})
	case "startSendRtp.bad_ssrc", "startSendRtp.bad_type", "startSendRtp.shared_port", "startSendRtp.tcp_es", "startSendRtp.tcp_refused",
		"startSendRtp.text_ssrc", "startSendRtp.udp_ps", "startSendRtpPassive.ok", "startSendRtpTalk.no_target", "stopSendRtp.again",
		"stopSendRtp.all_none":
		g.live()
	case "listRtpSender.one", "stopSendRtp.ok":
		g.live()
		g.sendRTP("1001", "31194", "&is_udp=1")
	}
}

// openRTP opens a port for rtp/<name>, and returns it.
func (g *stage) openRTP(name, how string) (port string) {
	_, text := get(g.t, "http://"+g.ports["28080"]+"/index/api/openRtpServer?secret="+goldenSecret+"&port=0&stream_id="+name+how)
	var reply struct{ Code, Port int }
	require.NoError(g.t, json.Unmarshal([]byte(text), &reply), text)
	require.Zero(g.t, reply.Code, text)
	return strconv.Itoa(reply.Port)
}

// receive has rtp/<name> sent to this server by itself.
func (g *stage) receive(name, open, send string) {
	port := g.openRTP(name, open)
	g.goOn()
	g.sendRTP("1", port, send)
	g.awaitPictures(media.StreamKey{App: "rtp", Name: name})
}

func (g *stage) sendRTP(ssrc, port, how string) {
	g.call("startSendRtp", fmt.Sprintf("vhost=__defaultVhost__&app=live&stream=test&ssrc=%s&dst_url=127.0.0.1&dst_port=%s%s", ssrc, port, how))
}

// sendElsewhere has another server send to a port of this one.
func (g *stage) sendElsewhere(port string) {
	m, err := media.New(media.Config{})
	require.NoError(g.t, err)
	from, err := gb28181.NewServer(m, gb28181.Config{LocalIP: netip.MustParseAddr("127.0.0.1")})
	require.NoError(g.t, err)
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(g.t, err)
	key := media.StreamKey{App: "live", Name: "test"}
	pub, err := m.Publish(g.t.Context(), media.PublishRequest{Stream: key})
	require.NoError(g.t, err)
	var playing sync.WaitGroup
	playing.Go(func() { _ = c.Play(context.Background(), pub) }) // it ends with the stream
	g.t.Cleanup(func() {
		require.NoError(g.t, m.Close())
		playing.Wait()
	})
	_, err = pub.Stream().Tracks(g.t.Context())
	require.NoError(g.t, err)
	to, err := strconv.Atoi(port)
	require.NoError(g.t, err)
	_, err = from.Send(g.t.Context(), gb28181.SendRequest{Stream: key, SSRC: 1, Host: "127.0.0.1", Port: to, UDP: true})
	require.NoError(g.t, err)
}

// fillRTP puts ports of this machine where a capture has those of its own.
func (g *stage) fillRTP(name, text string) string {
	_, shared, _ := net.SplitHostPort(g.ports["28100"])
	text = strings.ReplaceAll(text, "dst_port=28100", "dst_port="+shared)
	switch name {
	case "openRtpServer.port_in_use":
		text = strings.Replace(text, "port=31060", "port="+g.openRTP("other", ""), 1)
	case "startSendRtp.tcp_es":
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(g.t, err)
		g.t.Cleanup(func() { ln.Close() })
		text = strings.Replace(text, "dst_port=31092", "dst_port="+strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), 1)
	}
	return text
}
