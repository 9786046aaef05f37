package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// secret is in every URL here, as a password and as a token.
const secret = "canary-0123456789"

// say sends text to an address, and waits until what comes back has an answer in it.
func say(t *testing.T, addr, text, answer string) {
	t.Helper()
	ask(t, addr, text, answer).Close()
}

// ask is say, but stays connected.
func ask(t *testing.T, addr, text, answer string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(limit)))
	var said strings.Builder
	for b := make([]byte, 4096); !strings.Contains(said.String(), answer); {
		n, err := conn.Read(b)
		said.Write(b[:n])
		require.NoError(t, err, "no %q in %q", answer, &said)
	}
	return conn
}

func sayRTSP(t *testing.T, addr string) {
	const sdp = "v=0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n"
	request := func(method, target, head, body string) string {
		return fmt.Sprintf("%s %s RTSP/1.0\r\nCSeq: 1\r\n%sContent-Length: %d\r\n\r\n%s", method, target, head, len(body), body)
	}
	const query = "?token=" + secret
	for _, base := range []string{"rtsp://user:" + secret + "@" + addr, "rtsp://" + addr, "odd://a:" + secret + "@b:" + secret, ""} {
		say(t, addr, request("OPTIONS", base+"/live/demo"+query, "", "")+request("DESCRIBE", base+"/live/demo"+query, "", ""), "sprop")
		say(t, addr, request("SETUP", base+"/live/demo/trackID=0"+query, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", ""), "RTSP/1.0 200")
		say(t, addr, request("DESCRIBE", base+"/live/absent"+query, "", ""), "RTSP/1.0 404")
		say(t, addr, request("DESCRIBE", base+"/"+query, "", ""), "RTSP/1.0 404")
		say(t, addr, request("ANNOUNCE", base+"/"+query, "Content-Type: application/sdp\r\n", sdp), "RTSP/1.0 403")
		say(t, addr, request("ANNOUNCE", base+"/live/pub"+query, "Content-Type: application/sdp\r\n", sdp), "RTSP/1.0 200")
	}
	say(t, addr, request("DESCRIBE", secret+"@", "", ""), "RTSP/1.0 404")
}

func sayHTTP(t *testing.T, addr string) {
	head := "Host: " + addr + "\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+secret)) + "\r\n"
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	camera := url.QueryEscape("rtsp://user:" + secret + "@cam:" + secret + "/x?token=" + secret)
	for _, more := range []string{"", upgrade} {
		for _, path := range []string{"/live/demo.live.flv", "/live/absent.live.flv", "/absent"} {
			say(t, addr, "GET "+path+"?token="+secret+" HTTP/1.1\r\n"+head+more+"\r\n", "HTTP/1.1 ")
			say(t, addr, "GET http://user:"+secret+"@"+addr+path+"?token="+secret+" HTTP/1.1\r\n"+head+more+"\r\n", "HTTP/1.1 ")
		}
	}
	for _, call := range []string{"addStreamProxy", "addStreamPusherProxy", "addFFmpegSource", "getSnap", "getMediaList", "absent"} {
		say(t, addr, "GET /index/api/"+call+"?vhost=x&app=live&stream=demo&url="+camera+"&dst_url="+camera+"&src_url="+camera+
			" HTTP/1.1\r\nHost: "+addr+"\r\n\r\n", "HTTP/1.1 ")
	}
}

func sayRTMP(t *testing.T, addr string) {
	const query = "?token=" + secret + "&" + secret
	dialRTMP(t, addr, "play", "demo"+query, "NetStream.Play.Start").conn.Close()
	dialRTMP(t, addr, "play", "absent"+query, "NetStream.Play.").conn.Close()
	dialRTMP(t, addr, "play", query, "NetStream.Play.").conn.Close()
	dialRTMP(t, addr, "publish", query, "NetStream.Publish.").conn.Close()
	dialRTMP(t, addr, "publish", "pub"+query, "NetStream.Publish.").conn.Close()
	publishClip(t, addr, "clip"+query).conn.Close()
}

func sayShell(t *testing.T, addr string) {
	say(t, addr, "user\r\n"+secret+"\r\n", "try again")
	say(t, addr, "user\r\n"+secret+"x\r\nx\r\n", "try again")
}

// No password or token of a URL shows in the log, whatever protocol it comes by and whatever becomes of it.
func TestURLsAreLoggedWithoutSecrets(t *testing.T) {
	shell := ""
	out := startWith(t, func(network, addr string) (net.Listener, error) {
		ln, err := anyPort(network, addr)
		if addr == ":9000" {
			shell = ln.Addr().String()
		}
		return ln, err
	}, "-v", "-demo", "-c", write(t, "[general]\nmaxStreamWaitMS=10\n[api]\napiDebug=1\n[shell]\nport=9000\n"))
	page := out.hostOf(t, "page")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "stream registered") }, limit, time.Millisecond)
	sayRTSP(t, out.hostOf(t, "RTSP"))
	sayHTTP(t, page)
	sayRTMP(t, out.hostOf(t, "RTMP"))
	sayShell(t, shell)
	require.Contains(t, out.String(), "/live/demo?token=xxxxx")
	require.Contains(t, out.String(), "rtsp://xxxxx@"+out.hostOf(t, "RTSP")+"/live/absent?token=xxxxx")
	require.NotContains(t, out.String(), secret)

	backend := url.QueryEscape("http://user:" + secret + "@127.0.0.1:1/?token=" + secret)
	require.Equal(t, 3.0, out.api(t, "setServerConfig?hook.enable=1&hook.retry=0&hook.on_play="+backend)["changed"])
	out.api(t, "setServerConfig?hook.on_publish="+url.QueryEscape("http://user:"+secret+"@127.0.0.1:"+secret))
	res, err := http.Get(out.url(t, "HTTP-FLV") + "?token=" + secret) //nolint:gosec // its own server
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Contains(t, out.String(), "connection refused", "no hook has failed")
	require.NotContains(t, out.String(), secret)
}
