package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/internal/golden"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// told is a web hook that a backend had.
type told struct {
	event  string
	header http.Header
	body   map[string]any
}

// hooked is a server with a backend, configured as the real one was.
type hooked struct {
	*stage

	mu      sync.Mutex
	told    []told
	answers map[string]string // by event; what is not there is admitted
}

const admits = `{"code":0,"msg":"success"}`

func newHooked(t *testing.T, answers, settings map[string]string) *hooked {
	t.Helper()
	g := &hooked{answers: answers}
	backend := httptest.NewServer(g)
	t.Cleanup(backend.Close)
	cfg := config.New()
	www := newFolder(t)
	values := map[string]string{
		"http.rootPath": www, "api.downloadRoot": www, "api.trustLoopback": "0", "protocol.mp4_save_path": www, "protocol.hls_save_path": www,
		"api.secret": goldenSecret, "general.flowThreshold": "0", "general.listen_ip": "127.0.0.1", "general.mediaServerId": "contract-server",
		"general.maxStreamWaitMS": "300", "general.streamNoneReaderDelayMS": "60000", "protocol.continue_push_ms": "0",
		"hook.enable": "1", "hook.timeoutSec": "3", "hook.retry_delay": "0.01", "hook.stream_changed_schemas": " rtmp / rtsp /ts/fmp4/hls",
	}
	maps.Copy(values, settings)
	for _, k := range config.Keys() {
		if event, ok := strings.CutPrefix(k.Name, "hook.on_"); ok {
			values[k.Name] = backend.URL + "/hook/on_" + event
		}
	}
	for key, value := range values {
		require.NoError(t, cfg.Set(key, value))
	}
	s, err := newServer(cfg, flags{demo: true}, anyPort, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	g.stage = serveStage(t, s)
	g.www = www
	return g
}

func (g *hooked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ev := told{event: strings.TrimPrefix(r.URL.Path, "/hook/"), header: r.Header}
	if json.NewDecoder(r.Body).Decode(&ev.body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	g.told = append(g.told, ev)
	answer, ok := g.answers[ev.event]
	g.mu.Unlock()
	if !ok {
		answer = admits
	}
	if answer == "by k" {
		params, _ := ev.body["params"].(string)
		answer = answersByK()[params]
	}
	switch answer {
	case "":
		answer = admits
	case "hang":
		<-r.Context().Done()
		return
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "201":
		w.WriteHeader(http.StatusCreated)
		answer = admits
	}
	_, _ = io.WriteString(w, answer)
}

// answer has an event answered with text from now on.
func (g *hooked) answer(event, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answers := maps.Clone(g.answers) // the scene's own stay as they are
	if answers == nil {
		answers = map[string]string{}
	}
	answers[event] = text
	g.answers = answers
}

// events returns what the backend was told of one kind, or of any.
func (g *hooked) events(name string) []told {
	g.mu.Lock()
	defer g.mu.Unlock()
	if name == "" {
		return slices.Clone(g.told)
	}
	return slices.DeleteFunc(slices.Clone(g.told), func(ev told) bool { return ev.event != name })
}

func (g *hooked) awaitEvents(name string, n int) {
	g.t.Helper()
	require.Eventually(g.t, func() bool { return len(g.events(name)) >= n }, limit, time.Millisecond, "%s", name)
}

// get plays live/<name> by HTTP, or by WebSocket if ws, until it is closed.
func (g *hooked) get(name string, ws bool) net.Conn {
	g.t.Helper()
	return g.getPath("/live/"+name, ws)
}

// getPath gets what a path names, until it is closed.
func (g *hooked) getPath(path string, ws bool) net.Conn {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.ports["28080"])
	require.NoError(g.t, err)
	g.t.Cleanup(func() { conn.Close() })
	head := "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	if ws {
		head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	}
	_, err = io.WriteString(conn, head+"\r\n")
	require.NoError(g.t, err)
	return conn
}

// rtspPlay asks for a stream by RTSP, with user and password if there are some, until the test ends.
func (g *hooked) rtspPlay(user, path string) {
	g.t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(g.t, err)
	pulled := make(chan error, 1)
	go func() {
		pulled <- rtsp.Pull(g.t.Context(), m, "rtsp://"+user+g.ports["28554"]+path, media.StreamKey{App: "live", Name: "pulled"}, rtsp.ClientConfig{})
	}()
	g.t.Cleanup(func() {
		require.NoError(g.t, m.Close())
		<-pulled
	})
}

// scene is what happened when hooks were captured.
type scene struct {
	answers  map[string]string
	settings map[string]string
	captures []string
	act      func(g *hooked)
}

func scenes() map[string]scene {
	call := func(g *hooked, path string) {
		_, text := get(g.t, "http://"+g.ports["28080"]+"/index/api/"+path+"&secret="+goldenSecret)
		require.Contains(g.t, text, `"code": 0`)
	}
	players := func(g *hooked) {
		g.live()
		dialRTMP(g.t, g.ports["28935"], "play", "test?u=1", "NetStream.Play.Start")
		g.rtspPlay("", "/live/test?u=2")
		g.get("test.live.flv?u=3", false)
		g.get("test.live.ts?u=4", false)
		g.get("test.live.mp4?u=5", false)
		g.awaitReaders(5)
	}
	return map[string]scene{
		"rtmp": {
			captures: []string{"on_publish.rtmp", "on_stream_changed.register", "on_stream_changed.unregister", "on_flow_report.publisher"},
			act: func(g *hooked) {
				g.live()
				g.get("test.live.flv", false)
				g.awaitEvents("on_play", 1)
				g.awaitEvents("on_stream_changed", 5)
				g.awaitReaders(1)
				call(g, "close_streams?force=1&stream=test")
				g.awaitEvents("on_flow_report", 2)
				g.awaitEvents("on_stream_changed", 10)
			},
		},
		"rtsp": {captures: []string{"on_publish.rtsp"}, act: func(g *hooked) {
			g.pushRTSP()
			g.awaitEvents("on_stream_changed", 5)
		}},
		"players": {
			captures: []string{"on_flow_report.players", "on_rtsp_realm.default"},
			act:      players,
		},
		"players of all protocols": {captures: []string{"on_play.all_protocols"}, act: func(g *hooked) {
			players(g)
			g.playlist("/live/test/hls.m3u8?u=6")
			g.awaitReaders(6)
		}},
		"HLS": {captures: []string{"on_flow_report.hls"}, act: func(g *hooked) {
			g.live()
			g.playlist("/live/test/hls.m3u8?u=9")
			g.awaitReaders(1)
			call(g, "kick_session?id="+g.events("on_play")[0].body["id"].(string))
			g.awaitEvents("on_flow_report", 1)
		}},
		"no stream by HLS": {captures: []string{"on_stream_not_found.hls"}, act: func(g *hooked) {
			res, _ := get(g.t, "http://"+g.ports["28080"]+"/live/missing/hls.m3u8?q=1")
			require.Equal(g.t, 404, res.StatusCode)
		}},
		"never watched": {
			settings: map[string]string{"general.streamNoneReaderDelayMS": "200"},
			captures: []string{"on_stream_none_reader.never_watched"},
			act: func(g *hooked) {
				publishClip(g.t, g.ports["28935"], "never")
				g.await("never")
				g.awaitEvents("on_stream_none_reader", 1)
			},
		},
		"WebSocket": {captures: []string{"on_play.ws_flv"}, act: func(g *hooked) {
			g.live()
			g.get("test.live.flv", true)
			g.awaitReaders(1)
		}},
		"no stream": {captures: []string{"on_stream_not_found.flv"}, act: func(g *hooked) {
			_, err := io.ReadAll(g.get("missing.live.flv?q=1", false))
			require.NoError(g.t, err)
		}},
		"digest": {
			answers:  map[string]string{"on_rtsp_realm": `{"code":0,"realm":"zlm"}`, "on_rtsp_auth": `{"code":0,"encrypted":false,"passwd":"pw"}`},
			captures: []string{"on_rtsp_realm.realm", "on_rtsp_auth.digest"},
			act: func(g *hooked) {
				g.live()
				g.rtspPlay("user:pw@", "/live/test?t=1")
				g.rtspPlay("user:pw@", "/live/test")
				g.awaitReaders(2)
				require.Empty(g.t, g.events("on_play"), "the realm stands in for it")
			},
		},
		"basic": {
			answers:  map[string]string{"on_rtsp_realm": `{"code":0,"realm":"zlm"}`, "on_rtsp_auth": `{"code":0,"encrypted":false,"passwd":"pw"}`},
			settings: map[string]string{"rtsp.authBasic": "1"},
			captures: []string{"on_rtsp_auth.basic"},
			act: func(g *hooked) {
				g.live()
				g.rtspPlay("user:pw@", "/live/test")
				g.awaitReaders(1)
			},
		},
		"none reader": {
			settings: map[string]string{"general.streamNoneReaderDelayMS": "200"},
			captures: []string{"on_stream_none_reader"},
			act: func(g *hooked) {
				publishClip(g.t, g.ports["28935"], "test")
				g.await("test")
				g.awaitEvents("on_stream_none_reader", 1)
				g.forget(func(ev told) bool { return ev.event == "on_stream_none_reader" })
				x := dialRTMP(g.t, g.ports["28935"], "play", "test", "NetStream.Play.Start")
				g.awaitReaders(1)
				x.conn.Close()
				g.awaitEvents("on_stream_none_reader", 1)
			},
		},
		"shell": {captures: []string{"on_shell_login.ok"}, act: func(g *hooked) {
			x := g.telnet()
			x.say("admin")
			x.read()
			x.say("pw")
			require.Contains(g.t, x.read(), "admin@")
		}},
		"files": {
			settings: map[string]string{"http.page": "0"},
			captures: []string{"on_http_access.files"},
			act: func(g *hooked) {
				for _, path := range []string{"/hello.txt?k=v", "/dir/", "/dir", "/nope.txt", "/", "/../config.ini"} {
					g.ask(path, "")
				}
			},
		},
		"RTP": {captures: []string{"on_publish.rtp"}, act: func(g *hooked) {
			g.sendElsewhere(g.openRTP("r1", ""))
			g.awaitEvents("on_publish", 1)
		}},
		"no RTP": {
			settings: map[string]string{"rtp_proxy.timeoutSec": "1"},
			captures: []string{"on_rtp_server_timeout"},
			act: func(g *hooked) {
				g.openRTP("r1", "&tcp_mode=1")
				g.awaitEvents("on_rtp_server_timeout", 1)
			},
		},
		"nobody takes RTP": {captures: []string{"on_send_rtp_stopped.passive_timeout"}, act: func(g *hooked) {
			publishClip(g.t, g.ports["28935"], "test")
			g.await("test")
			g.call("startSendRtpPassive", "vhost=__defaultVhost__&app=live&stream=test&ssrc=1004&close_delay_ms=100")
			g.awaitEvents("on_send_rtp_stopped", 1)
		}},
		"RTP is not taken any more": {captures: []string{"on_send_rtp_stopped.peer_closed"}, act: func(g *hooked) {
			publishClip(g.t, g.ports["28935"], "test")
			g.await("test")
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(g.t, err)
			defer ln.Close()
			g.sendRTP("1002", strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), "&is_udp=0")
			conn, err := ln.Accept()
			require.NoError(g.t, err)
			require.NoError(g.t, conn.(*net.TCPConn).CloseWrite())
			g.awaitEvents("on_send_rtp_stopped", 1)
			conn.Close()
		}},
		"record file": {captures: []string{"on_http_access.record_file"}, act: func(g *hooked) {
			g.ask("/record/live/test/"+day+"/"+day+"-09-35-08-0.mp4", "Range: bytes=0-99\r\n")
		}},
		"recordings": {captures: []string{"on_record_mp4.two_files"}, act: func(g *hooked) {
			more := g.publishLoops("test")
			more(1)
			call(g, "startRecord?vhost=__defaultVhost__&app=live&stream=test&type=1&max_second=5")
			more(2)
			call(g, "stopRecord?vhost=__defaultVhost__&app=live&stream=test&type=1")
			g.awaitEvents("on_record_mp4", 3)
		}},
		"recording by the reply": {
			captures: []string{"on_record_mp4.from_publish_reply"},
			act: func(g *hooked) {
				g.answer("on_publish", fmt.Sprintf(`{"code":0,"enable_mp4":true,"mp4_max_second":3,"mp4_save_path":%q,"stream_replace":"renamed"}`,
					filepath.Join(filepath.Dir(g.www), "rec2")))
				g.publishLoops("orig")(3)
				call(g, "stopRecord?vhost=__defaultVhost__&app=live&stream=renamed&type=1")
				g.awaitEvents("on_record_mp4", 5)
			},
		},
		"recording elsewhere": {captures: []string{"on_record_mp4.custom_path"}, act: func(g *hooked) {
			g.publishLoops("test")(1)
			call(g, "startRecord?vhost=__defaultVhost__&app=live&stream=test&type=1&customized_path="+
				url.QueryEscape(filepath.Join(filepath.Dir(g.www), "custom")))
			call(g, "stopRecord?vhost=__defaultVhost__&app=live&stream=test&type=1")
			g.awaitEvents("on_record_mp4", 1)
		}},
		"segments": {
			captures: []string{"on_record_ts"},
			settings: map[string]string{"hls.broadcastRecordTs": "1"},
			act: func(g *hooked) {
				more := g.publishLoops("test")
				more(1)
				call(g, "startRecord?vhost=__defaultVhost__&app=live&stream=test&type=0")
				more(1)
				call(g, "stopRecord?vhost=__defaultVhost__&app=live&stream=test&type=0")
				g.awaitEvents("on_record_ts", 4)
				g.forget(func(ev told) bool {
					name, _ := ev.body["file_name"].(string)
					return ev.event == "on_record_ts" && !strings.HasSuffix(name, "_0.ts") && !strings.HasSuffix(name, "_1.ts")
				})
			},
		},
		"playback": {captures: []string{"on_play.vod"}, act: func(g *hooked) {
			g.addRecordings(1)
			file := "live/test/" + day + "/" + day + "-09-35-08-0.mp4"
			g.rtspPlay("", "/record/"+file)
			g.awaitEvents("on_play", 1)
			dialRTMPApp(g.t, g.ports["28935"], "record", "play", file, "NetStream.Play.Start")
			g.awaitEvents("on_play", 2)
			g.getPath("/record/"+file+".live.flv", false)
			g.awaitEvents("on_play", 3)
		}},
		"download": {captures: []string{"on_http_access.downloadFile"}, act: func(g *hooked) {
			path := url.QueryEscape(g.www + "/record/live/test/" + day + "/" + day + "-09-35-08-0.mp4")
			g.ask("/index/api/downloadFile?file_path="+path+"&t=1", "Range: bytes=0-9\r\n")
		}},
		"options": {
			answers: map[string]string{"on_publish": `{"code":0,"enable_hls":false,"enable_mp4":true,"enable_ts":0,"enable_fmp4":"0",
				"add_mute_audio":null,"mp4_max_second":3,"stream_replace":"renamed"}`},
			captures: []string{"on_publish.options_stream_replace", "on_stream_changed.options"},
			act: func(g *hooked) {
				publishClip(g.t, g.ports["28935"], "orig")
				g.await("renamed")
				g.awaitEvents("on_stream_changed", 2)
			},
		},
		"server": {
			settings: map[string]string{"hook.alive_interval": "0.2"},
			captures: []string{"on_server_started", "on_server_keepalive", "on_server_exited"},
			act: func(g *hooked) {
				g.awaitEvents("on_server_keepalive", 1)
				g.end()
			},
		},
	}
}

// playlist asks for one, of a stream that is live.
func (g *hooked) playlist(path string) {
	g.t.Helper()
	res, text := get(g.t, "http://"+g.ports["28080"]+path)
	require.Equal(g.t, 200, res.StatusCode, text)
}

func (g *hooked) awaitReaders(n int) {
	g.t.Helper()
	require.Eventually(g.t, func() bool {
		for st := range g.media.Streams() {
			if _, all := st.Readers(""); all == n {
				return true
			}
		}
		return false
	}, limit, time.Millisecond)
}

// hookResults plays all scenes and returns for each capture how what the backend was told differs; "" if it does not.
func hookResults(t *testing.T) map[string]string {
	t.Helper()
	var mu sync.Mutex
	results := map[string]string{}
	t.Run("hooks", func(t *testing.T) {
		for name, s := range scenes() {
			for _, c := range s.captures {
				results[c] = "the scene broke off"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newHooked(t, s.answers, s.settings)
				s.act(g)
				g.end()
				for _, c := range s.captures {
					h, err := golden.LoadHook(hookCaptures + c + ".json")
					require.NoError(t, err)
					d := g.compare(h.Hook, slices.DeleteFunc(h.Requests, absent))
					mu.Lock()
					results[c] = d
					mu.Unlock()
				}
				g.checkOrder()
			})
		}
	})
	return results
}

// hookCaptures is where the captures of web hooks are.
const hookCaptures = "../../hook/httphook/testdata/golden/"

// absent reports whether a request is of what is not there yet.
func absent(r golden.Request) bool {
	schema, has := r.Body["schema"].(string)
	return has && schema != "rtp" && !isServed(schema) // RTP publishes, and is no source
}

// captured reports whether a capture has events of this kind: it may be of players only, or of streams that come.
func captured(want []golden.Request, ev told) bool {
	return slices.ContainsFunc(want, func(w golden.Request) bool {
		return w.Body["player"] == ev.body["player"] && w.Body["regist"] == ev.body["regist"]
	})
}

// compare returns what of a capture was not told, or told besides.
func (g *hooked) compare(event string, want []golden.Request) string {
	got := slices.DeleteFunc(g.events(event), func(ev told) bool { return !captured(want, ev) })
	if event == "on_server_keepalive" && len(got) > 1 {
		got = got[:1]
	}
	if len(got) != len(want) || len(want) == 0 {
		return fmt.Sprintf("%d requests, not %d", len(got), len(want))
	}
	for _, w := range want {
		best := ""
		i := slices.IndexFunc(got, func(ev told) bool {
			d := golden.Differ("", g.adapt(w.Body, ev.body), ev.body)
			if best == "" {
				best = d
			}
			return d == "" && ev.header.Get("X-VHOST") == w.Headers["X-VHOST"]
		})
		if i < 0 {
			return best
		}
		got = slices.Delete(got, i, i+1)
	}
	return ""
}

// adapt returns a body of a capture with what must be different here.
func (g *hooked) adapt(want, got map[string]any) map[string]any {
	want = maps.Clone(want)
	if want["stream"] == "orig" && want["regist"] != nil { // the original keeps the name in one schema, by mistake
		want["stream"] = "renamed"
	}
	if sock, ok := want["originSock"].(map[string]any); ok {
		sock = maps.Clone(sock)
		sock["local_port"] = "<port>"
		want["originSock"] = sock
	}
	if _, started := want["api.secret"]; !started {
		return want
	}
	for key := range want { // values and build options are those of the server
		if _, ok := got[key]; strings.Contains(key, ".") && ok {
			want[key] = got[key]
		}
	}
	for key, value := range got {
		if _, ok := want[key]; !ok && strings.Contains(key, ".") {
			want[key] = value
		}
	}
	return want
}

// checkOrder requires what the contract promises of the order of events, by hook_index.
func (g *hooked) checkOrder() {
	g.t.Helper()
	index := map[float64]bool{}
	first := map[string]float64{} // of each event
	order := map[any][]string{}   // of each session
	registered := map[string]int{}
	for _, ev := range g.events("") {
		n := ev.body["hook_index"].(float64)
		require.False(g.t, index[n], "hook_index %v comes twice", n)
		index[n] = true
		if _, ok := first[ev.event]; !ok {
			first[ev.event] = n
		}
		if id, ok := ev.body["id"]; ok && !slices.Contains(order[id], ev.event) {
			order[id] = append(order[id], ev.event)
		}
		if ev.event == "on_stream_changed" {
			key := fmt.Sprint(ev.body["schema"], ev.body["stream"])
			registered[key] += map[bool]int{true: 1, false: -1}[ev.body["regist"].(bool)]
			require.Contains(g.t, []int{0, 1}, registered[key], "%s", key)
		}
	}
	rank := []string{"on_publish", "on_rtsp_realm", "on_rtsp_auth", "on_play", "on_stream_not_found", "on_flow_report"}
	for id, events := range order {
		require.True(g.t, slices.IsSortedFunc(events, func(a, b string) int {
			return slices.Index(rank, a) - slices.Index(rank, b)
		}), "session %v: %v", id, events)
	}
	if i, ok := first["on_stream_changed"]; ok {
		require.Less(g.t, first["on_publish"], i)
	}
	for n := range index {
		require.LessOrEqual(g.t, n, first["on_server_exited"], "the end comes last")
	}
}

// The answers of a backend decide as they did at the real server, after as many requests.
func TestGoldenRetries(t *testing.T) {
	for name, c := range map[string]struct {
		answer, said string
		admitted     bool
	}{
		"badjson": {"not json", "[parse json failed]:", false}, "codefloat": {`{"code":0.0}`, "", true},
		"codestr": {`{"code":"0"}`, "[json code]:", false}, "http201": {"201", "[bad http status code]:201", false},
		"http500": {"500", "[bad http status code]:500", false}, "nocode": {`{"msg":"x"}`, "[json code]:", false},
		"timeout": {"hang", "[network err]:", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := golden.LoadHook(hookCaptures + "on_publish.retry_" + name + ".json")
			require.NoError(t, err)
			g := newHooked(t, map[string]string{"on_publish": c.answer}, map[string]string{"hook.timeoutSec": "0.5"})
			answer := "NetStream.Publish.BadAuth"
			if c.admitted {
				answer = "NetStream.Publish.Start"
			}
			x := dialRTMP(t, g.ports["28935"], "publish", "retry_"+name, answer)
			require.Contains(t, x.said.String(), c.said)
			require.Empty(t, g.compare("on_publish", h.Requests))
		})
	}
}

// What a refused player reads is what the real server says.
func TestGoldenRefusal(t *testing.T) {
	text, err := os.ReadFile("testdata/hooks/play_denied.flv.json")
	require.NoError(t, err)
	var c capture
	require.NoError(t, json.Unmarshal(text, &c))
	g := newHooked(t, map[string]string{"on_play": `{"code":-1,"msg":"no play"}`}, nil)
	g.live()
	res, err := http.ReadResponse(bufio.NewReader(g.get("test.live.flv", false)), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, c.Response.Status, res.StatusCode)
	require.Equal(t, *c.Response.Text, any(string(body)))
}
