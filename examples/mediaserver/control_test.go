package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// api calls the API from this machine, which needs no secret.
func (s *screen) api(t *testing.T, call string) map[string]any {
	t.Helper()
	_, text := get(t, s.url(t, "page")+"index/api/"+call)
	var out map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &out), text)
	return out
}

func TestControl(t *testing.T) {
	path := write(t, "# my server\n[api]\nsecret=canary-0123456789\n[http]\nport=8080\n")
	out := start(t, "-c", path, "-demo")
	require.Eventually(t, func() bool { return out.api(t, "getMediaList?schema=rtmp")["data"] != nil }, limit, time.Millisecond)
	list := out.api(t, "getMediaList?schema=rtmp")["data"].([]any)
	require.Equal(t, "demo", list[0].(map[string]any)["stream"])
	require.Equal(t, 2.0, out.api(t, "setServerConfig?hook.timeoutSec=5&api.secret=canary-new&ffmpeg.bin=/bin/sh&hook.timeoutSecs=6")["changed"])
	require.Contains(t, out.String(), `there are no such keys, so they were not changed" keys="\"hook.timeoutSecs\""`)
	require.Contains(t, out.String(), "these are not changed over the API, only in the file\" keys=ffmpeg.bin\n")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "# my server\n"))
	require.Contains(t, string(text), "timeoutSec=5\n")
	require.NotContains(t, string(text), "/bin/sh")
	require.Contains(t, out.String(), `keys="api.secret hook.timeoutSec"`)
	reply := out.api(t, "setServerConfig?hook.timeoutSec=x&general.flowThreshold=77")
	require.Equal(t, 1.0, reply["changed"])
	require.Contains(t, reply["msg"], "hook.timeoutSec")

	res, body := get(t, out.url(t, "page")+"metrics")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, "sluice_streams 1\n")
	require.NotContains(t, body, "canary")
	require.NotContains(t, out.String(), "canary", "the log holds the secret")
}

// A hook that refuses the demonstration, or one who kicks it, does not end the server.
func TestDemoMayBeRefused(t *testing.T) {
	out := start(t, "-demo", "-c", write(t, "[hook]\nenable=1\nretry=0\non_publish=http://127.0.0.1:1/\n"))
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "the demonstration has ended") }, limit, time.Millisecond)
	require.Equal(t, 0.0, out.api(t, "version")["code"])
}

// What can change while the server runs does, for the sessions that come after.
func TestLiveChange(t *testing.T) {
	out := start(t, "-demo")
	origin := func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, out.url(t, "page")+"live/absent.live.flv", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Origin", "http://example.com")
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, http.StatusNotFound, res.StatusCode)
		return res.Header.Get("Access-Control-Allow-Origin")
	}
	require.Equal(t, 1.0, out.api(t, "setServerConfig?general.maxStreamWaitMS=0")["changed"])
	require.Equal(t, "http://example.com", origin())
	require.Equal(t, 2.0, out.api(t, "setServerConfig?http.allow_cross_domains=0&rtp.videoMtuSize=1200")["changed"])
	require.Empty(t, origin())
	require.Equal(t, 1.0, out.api(t, "setServerConfig?general.mediaServerId=me")["changed"], "that holds at once")
	require.Equal(t, 1, strings.Count(out.String(), "after a restart"))
	require.Contains(t, out.String(), "these hold after a restart\" keys=rtp.videoMtuSize\n")
	require.Equal(t, 1.0, out.api(t, "setServerConfig?hls.fileBufSize=5")["changed"])
	require.Contains(t, out.String(), "these have no effect in this version\" keys=hls.fileBufSize\n")
	refused := out.api(t, "setServerConfig?rtmp.port=555&rtsp.port=555&general.flowThreshold=5")
	require.Equal(t, -300.0, refused["code"])
	require.Contains(t, refused["msg"], "rtmp.port and rtsp.port are both 555")
	require.NotEqual(t, "5", out.api(t, "getServerConfig")["data"].([]any)[0].(map[string]any)["general.flowThreshold"], "all of it holds or nothing")
}

// A port that two services are to have is no other program's, and one that is not opened is nobody's.
func TestPortsThatAreEqual(t *testing.T) {
	file := write(t, "[rtmp]\nport=8080\nsslport=8080\n[http]\nport=8080\n")
	err := run(t.Context(), []string{"-c", file}, io.Discard, anyPort)
	require.EqualError(t, err, "http.port and rtmp.port are both 8080; set another for one of them (0: off)")
	start(t, "-c", write(t, "[rtmp]\nsslport=8080\n[http]\nport=8080\n"))
	err = run(t.Context(), []string{"-c", file, "-pprof", "127.0.0.1:8080"}, io.Discard, anyPort)
	require.EqualError(t, err, "-pprof and http.port are both 8080; set another for one of them (0: off)")
}

// The server restarts in place and keeps what was set, also without a file.
func TestRestart(t *testing.T) {
	out := start(t, "-demo")
	require.Equal(t, 1.0, out.api(t, "setServerConfig?general.flowThreshold=77")["changed"])
	require.Equal(t, 0.0, out.api(t, "restartServer")["code"])
	require.Eventually(t, func() bool { return strings.Count(out.String(), "Sluice is running.") == 2 }, limit, 10*time.Millisecond)
	banner := &screen{}
	_, err := banner.Write([]byte(out.String()[strings.LastIndex(out.String(), "Sluice is running."):]))
	require.NoError(t, err)
	require.Equal(t, "77", banner.api(t, "getServerConfig")["data"].([]any)[0].(map[string]any)["general.flowThreshold"])
}

// Neither the secret of the API nor that of the hooks shows in the log, however the server is called and whatever fails.
func TestSecretsStaySecret(t *testing.T) {
	const canary = "canary-0123456789"
	out := start(t, "-v", "-c", write(t, "[general]\nmaxStreamWaitMS=0\n[api]\nsecret="+canary+"\ntrustLoopback=0\napiDebug=1\n[hook]\nenable=1\nretry=0\nsign_key="+
		canary+"\non_publish=http://user:"+canary+"@127.0.0.1:1/?key="+canary+"\non_play=http://127.0.0.1:1/"+canary+
		"\non_shell_login=http://127.0.0.1:1/"+canary+"\non_server_started=http://127.0.0.1:1/"+canary+"\n"))
	page := out.url(t, "page")
	calls := 0
	call := func(method, path, kind, body string, want int) {
		r, err := http.NewRequestWithContext(t.Context(), method, page+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Secret", canary)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, want, res.StatusCode, "%s", text)
		if !strings.Contains(path, "getServerConfig") { // that shows it to who knows it
			require.NotContains(t, string(text), canary)
		}
		calls++
	}
	query := "?secret=" + canary
	for _, path := range []string{"getMediaList", "getServerConfig", "setServerConfig", "addStreamProxy", "kick_session", "restartserverx"} {
		status := http.StatusOK
		if path == "restartserverx" {
			status = http.StatusNotFound
		}
		call(http.MethodGet, "index/api/"+path+query, "", "", status)
		call(http.MethodPost, "index/api/"+path, "application/json", `{"secret":"`+canary+`"}`, status)
		call(http.MethodPost, "index/api/"+path, "application/x-www-form-urlencoded", "secret="+canary, status)
	}
	call(http.MethodPost, "index/api/setServerConfig", "application/json", `{"api.secret":"`+canary+`\nx","hook.timeoutSec":"x"}`, http.StatusOK)
	call(http.MethodGet, "live/absent.live.flv"+query, "", "", http.StatusServiceUnavailable)
	call(http.MethodGet, "metrics"+query, "", "", http.StatusOK)
	require.Greater(t, calls, 20)
	_, ports, _ := strings.Cut(out.url(t, "RTMP"), "rtmp://")
	addr, _, _ := strings.Cut(ports, "/")
	dialRTMP(t, addr, "publish", "test", "NetStream.Publish.BadAuth")
	addr, _, _ = strings.Cut(strings.TrimPrefix(out.url(t, "RTSP"), "rtsp://"), "/")
	askRTSP(t, addr, "ANNOUNCE rtsp://me:"+canary+"@h/x?token="+canary, 403)
	askRTSP(t, addr, "DESCRIBE rtsp://me:"+canary+"@h/live/test?token="+canary, 503)
	require.Contains(t, out.String(), "getMediaList", "nothing is logged")
	require.Contains(t, out.String(), "connection refused", "no hook has failed")
	require.NotContains(t, out.String(), canary)
}

// A restart that could not succeed is refused, and the server goes on; one that moves a port opens it first.
func TestRestartIsRefusedWhenAPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, number, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	asked := make(chan string, 100)
	out := startWith(t, func(network, addr string) (net.Listener, error) {
		asked <- addr
		if strings.HasSuffix(addr, ":"+number) {
			return net.Listen(network, "127.0.0.1:"+number)
		}
		return anyPort(network, addr)
	}, "-demo")
	require.Equal(t, 1.0, out.api(t, "setServerConfig?rtsp.port="+number)["changed"])
	for range 2 {
		reply := out.api(t, "restartServer")
		require.NotEqual(t, 0.0, reply["code"])
		require.Contains(t, reply["msg"], "rtsp.port")
	}
	time.Sleep(2 * restartDelay)
	require.Equal(t, 0.0, out.api(t, "version")["code"], "it lives")
	require.Contains(t, out.String(), "the server goes on as it is")

	taken.Close()
	for len(asked) > 0 {
		<-asked
	}
	page := out.url(t, "page")
	for range 3 {
		require.Equal(t, 0.0, out.api(t, "restartServer")["code"])
	}
	require.Eventually(t, func() bool { return strings.Count(out.String(), "Sluice is running.") == 2 }, limit, 10*time.Millisecond)
	require.Equal(t, []string{":" + number}, drained(asked), "what stays is not closed in between")
	require.Contains(t, out.String(), "rtsp://127.0.0.1:"+number+"/live/demo")
	require.Equal(t, page, out.url(t, "page"))
	require.Equal(t, 0.0, out.api(t, "version")["code"])
	time.Sleep(2 * restartDelay)
	require.Equal(t, 2, strings.Count(out.String(), "Sluice is running."), "it restarts once")
}

func drained(c chan string) (all []string) {
	for len(c) > 0 {
		all = append(all, <-c)
	}
	return all
}

// askRTSP sends a request without a body, and awaits the status.
func askRTSP(t *testing.T, addr, line string, want int) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(limit)))
	_, err = fmt.Fprintf(conn, "%s RTSP/1.0\r\nCSeq: 1\r\n\r\n", line)
	require.NoError(t, err)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, answer, fmt.Sprintf(" %d ", want))
}
