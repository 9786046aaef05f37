package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // the contract's
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/golden"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// update writes docs/compatibility.md instead of comparing with it.
var update = flag.Bool("update", false, "write docs/compatibility.md")

// capture is a call to the real server and its reply.
type capture struct {
	Case    string `json:"case"`
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    *string           `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int            `json:"status"`
		Headers map[string]any `json:"headers"` // a text or several
		JSON    any            `json:"json"`
		Text    *any           `json:"text"`
	} `json:"response"`
}

// notThere is the result of a call whose endpoint has no part yet.
const notThere = "not there yet"

// lacking are captures of what only parts make that are not there yet.
func lacking() []string { return []string{"getMediaList.publish_options"} }

// defects are captures of what the original does wrong, or has dropped although the contract wants it.
func defects() map[string]string {
	return map[string]string{
		"close_streams.by_stream":   "the original fails when it closes several schemas of a stream",
		"close_streams.no_filter":   "the original fails when it closes several schemas of a stream",
		"listRtpServer.many":        "the original always says only_track 0",
		"getRecordStatus.seed_name": "the original has dropped the name",
		"webrtc.not_built":          "the original has no such endpoint unless built with WebRTC; here it checks its arguments",
	}
}

const goldenSecret = "0123456789abcdef0123456789abcdef"

// stage is a server with what a capture found when it was taken.
type stage struct {
	*server
	t     *testing.T
	ports map[string]string // of the captures, as they are here
	end   func()            // ends the server, and waits for it
	www   string            // the folder of files
}

// stageOf returns a server for a capture.
func stageOf(t *testing.T, name string) *stage {
	t.Helper()
	if strings.HasPrefix(name, "file.") || name == "downloadFile.hook" {
		return newHooked(t, map[string]string{"on_http_access": "by k"}, map[string]string{"http.page": "0"}).stage
	}
	return newStage(t)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	cfg := config.New()
	www := newFolder(t)
	for key, value := range map[string]string{
		"api.secret": goldenSecret, "api.trustLoopback": "0", "general.flowThreshold": "0", "general.listen_ip": "127.0.0.1",
		"general.maxStreamWaitMS": "3000", "protocol.continue_push_ms": "0", "http.rootPath": www, "api.downloadRoot": www, "protocol.mp4_save_path": www, "protocol.hls_save_path": www,
		"api.defaultSnap": filepath.Join(filepath.Dir(www), "logo.png"),
	} {
		require.NoError(t, cfg.Set(key, value))
	}
	if strings.HasPrefix(t.Name(), "TestGolden/replay/hls.") {
		require.NoError(t, cfg.Set("protocol.enable_hls_fmp4", "1"))
	}
	if strings.HasSuffix(t.Name(), "/getMediaInfo.ffmpeg") { // what was published when it was captured
		require.NoError(t, cfg.Set("ffmpeg.cmd",
			"%s -re -i %s -map 0:a -map 0:v -c:a aac -ar 8000 -ac 1 -c:v libx264 -preset ultrafast -g 1 -s 320x240 -f flv %s"))
	}
	s, err := newServer(cfg, flags{demo: true}, anyPort, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	g := serveStage(t, s)
	g.www = www
	return g
}

// serveStage runs a server until the test ends, or end is called.
func serveStage(t *testing.T, s *server) *stage {
	t.Helper()
	require.NoError(t, s.listen(nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, false) }()
	g := &stage{server: s, t: t, ports: map[string]string{}}
	g.end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(g.end)
	for _, l := range s.listeners {
		g.ports[map[string]string{"http": "28080", "rtmp": "28935", "rtsp": "28554", "telnet": "28900", "rtp": "28100"}[l.scheme]] = l.Addr().String()
	}
	return g
}

// live publishes live/test.
func (g *stage) live() *rtmpClient {
	c := publishClip(g.t, g.ports["28935"], "test?token=abc&x=1")
	g.await("test")
	return c
}

func (g *stage) await(name string) {
	require.Eventually(g.t, func() bool {
		st, ok := g.media.Stream(media.StreamKey{VHost: "__defaultVhost__", App: "live", Name: name})
		if !ok {
			return false
		}
		tracks := st.Stats().Tracks
		return len(tracks) == 2 && tracks[0].Frames > 100 && tracks[1].Frames > 100 && g.isWhole(st)
	}, limit, time.Millisecond)
}

// isWhole reports whether a stream is served in all schemas that it is going to be: HLS comes with the first segment.
func (g *stage) isWhole(st *media.Stream) bool {
	on := st.Options().EnableHLS
	return on != nil && !*on || slices.Contains(st.Schemas(), "hls")
}

// watched adds players by RTMP and HTTP-FLV.
func (g *stage) watched() {
	g.live()
	dialRTMP(g.t, g.ports["28935"], "play", "test", "NetStream.Play.Start")
	res, err := http.Get("http://" + g.ports["28080"] + "/live/test.live.flv")
	require.NoError(g.t, err)
	g.t.Cleanup(func() { res.Body.Close() })
}

func (g *stage) set(key, value string) {
	_, refused, err := g.store.Update(map[string]string{key: value})
	require.NoError(g.t, err)
	require.Empty(g.t, refused)
}

// prepare brings the server into the state of a capture.
func (g *stage) prepare(name string) {
	switch name {
	case "getSnap.first", "getSnap.cached":
		g.live()
	case "setServerConfig.two_json":
		g.set("api.apiDebug", "0")
	case "setServerConfig.back":
		g.set("general.flowThreshold", "1")
	case "setServerConfig.restore":
		g.set("rtsp.authBasic", "true")
	case "auth.ip_not_allowed":
		g.set("http.allow_ip_range", "10.0.0.1")
	case "getMediaInfo.readers", "getMediaPlayerList.rtmp", "close_stream.has_reader", "close_stream.has_reader_force0",
		"close_stream.force", "getAllSession.port":
		g.watched()
	case "getAllSession.all":
		g.watched()
		g.idleRTSP(4)
	case "getMediaInfo.rtsp_push", "getMediaList.rtsp_push":
		g.pushRTSP()
	case "kick_session.ok", "getMediaInfo.rtmp", "getMediaInfo.hls", "getMediaPlayerList.ts_empty", "getMediaInfo.rtsp", "getMediaInfo.form", "getMediaInfo.json", "getMediaList.all",
		"getMediaList.app_stream", "getMediaList.schema", "getMediaList.wrong_vhost", "isMediaOnline.online",
		"isMediaOnline.wrong_vhost_ignored", "broadcastMessage", "isRecording.no", "setStreamSpeed.live_not_proxy", "live_http.live_test.live.flv",
		"live_http.live_test.live.ts", "live_http.live_test.live.mp4", "live_http.live_test_hls.m3u8", "live_http.live_test_schema_rtmp":
		g.live()
	case "kick_sessions.rtsp":
		g.idleRTSP(1)
	case "file.denied_again":
		require.Equal(g.t, http.StatusUnauthorized, g.fetch("/hello.txt?k=d").StatusCode)
	default:
		g.prepareRecords(name)
	}
}

// fetch gets what a path names.
func (g *stage) fetch(path string) *http.Response {
	res, err := http.Get("http://" + g.ports["28080"] + path)
	require.NoError(g.t, err)
	res.Body.Close()
	return res
}

// idleRTSP makes a connection that does nothing, and waits until there are so many sessions.
func (g *stage) idleRTSP(sessions int) {
	conn, err := net.Dial("tcp", g.ports["28554"])
	require.NoError(g.t, err)
	g.t.Cleanup(func() { conn.Close() })
	require.Eventually(g.t, func() bool { return len(slices.Collect(g.media.Sessions())) == sessions }, limit, time.Millisecond)
}

// pushRTSP publishes live/rtsp1 by RTSP, from another server.
func (g *stage) pushRTSP() {
	m, err := media.New(media.Config{})
	require.NoError(g.t, err)
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(g.t, err)
	ctx, cancel := context.WithCancel(g.t.Context())
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "rtsp1"}
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: key})
	require.NoError(g.t, err)
	pushed := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { _ = c.Play(ctx, pub) })
	require.Eventually(g.t, func() bool { _, ok := m.Stream(key); return ok }, limit, time.Millisecond)
	running.Go(func() {
		pushed <- rtsp.Push(ctx, m, key, "rtsp://"+g.ports["28554"]+"/live/rtsp1?sign=zz", rtsp.ClientConfig{})
	})
	g.t.Cleanup(func() {
		cancel()
		running.Wait()
		require.NoError(g.t, m.Close())
	})
	require.Eventually(g.t, func() bool { // two key frames, so that the GOP is known
		select {
		case err := <-pushed:
			g.t.Errorf("the push ended with %v", err)
			return true
		default:
		}
		st, ok := g.media.Stream(key)
		return ok && slices.ContainsFunc(st.Stats().Tracks, func(t media.TrackStats) bool { return t.KeyFrames >= 2 }) && g.isWhole(st)
	}, limit, time.Millisecond)
}

// fill puts into a text of a capture what it stands for here.
func (g *stage) fill(name, text string) string {
	text = strings.NewReplacer(
		"<SECRET>", goldenSecret, "<ROOT>", url.QueryEscape(filepath.Dir(g.www)), "<YYYY-MM-DD>", day, "<YYYY-MM-DD-HH-MM-SS>", day+"-09-35-08",
	).Replace(text)
	text = g.fillRTP(name, g.ported(text))
	switch name {
	case "file.with_cookie":
		for _, c := range g.fetch("/hello.txt?k=e").Cookies() {
			text = strings.ReplaceAll(text, "<COOKIE>", c.Value)
		}
	case "kick_session.ok":
		for x := range g.media.Sessions() {
			text = strings.Replace(text, "26-23", x.Info().ID, 1)
		}
	case "getAllSession.port", "kick_sessions.rtsp":
		for port, addr := range g.ports {
			_, ours, _ := net.SplitHostPort(addr)
			text = strings.ReplaceAll(text, port, ours)
		}
	case "login.ok", "login.use_cookie", "login.after_logout", "login.logout":
		unlogin := g.cookie("getApiList", "", "ZLM_UNLOGIN")
		sum := md5.Sum([]byte("zlmediakit:" + goldenSecret + ":" + unlogin)) //nolint:gosec // the contract's
		digest := hex.EncodeToString(sum[:])
		if name == "login.ok" {
			return strings.NewReplacer("<COOKIE>", unlogin, "1993e08260842197488e8aa6f8798f25", digest).Replace(text)
		}
		logined := g.cookie("login?digest="+digest, "ZLM_UNLOGIN="+unlogin, "ZLM_LOGINED")
		if name == "login.after_logout" {
			g.cookie("logout", "ZLM_LOGINED="+logined, "ZLM_LOGINED")
		}
		return strings.ReplaceAll(text, "<COOKIE>", logined)
	}
	return text
}

// cookie returns the cookie that a call sets.
func (g *stage) cookie(call, sent, name string) string {
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, "http://"+g.ports["28080"]+"/index/api/"+call, nil)
	require.NoError(g.t, err)
	if sent != "" {
		req.Header.Set("Cookie", sent)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	g.t.Fatalf("%s sets no cookie %s", call, name)
	return ""
}

// replay makes the call of a capture and returns how the reply differs; "" if it does not.
func (g *stage) replay(c *capture) string {
	g.prepare(c.Case)
	if strings.HasPrefix(c.Case, "hls.") {
		return g.replayPlaylist(c)
	}
	var body io.Reader
	if c.Request.Body != nil {
		body = strings.NewReader(g.fill(c.Case, *c.Request.Body))
	}
	// Path and cookie belong together.
	path, cookie, _ := strings.Cut(g.fill(c.Case, c.Request.Path+" "+c.Request.Headers["Cookie"]), " ")
	headers := map[string]string{}
	for k, v := range c.Request.Headers {
		headers[k] = g.fill("", v)
	}
	if cookie != "" {
		headers["Cookie"] = cookie
	}
	req, err := http.NewRequestWithContext(g.t.Context(), c.Request.Method, "http://"+g.ports["28080"]+path, body)
	require.NoError(g.t, err)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer res.Body.Close()
	if strings.HasPrefix(c.Case, "live_http.") { // some have no end
		return cmp.Or(differStatus(c, res), differHeaders(c, res.Header))
	}
	got, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	for theirs, ours := range g.sums() {
		got = bytes.ReplaceAll(got, []byte(ours), []byte(theirs))
	}
	if bytes.Contains(got, []byte(`"not enabled: `)) || slices.Contains(lacking(), c.Case) {
		return notThere
	}
	if d := differStatus(c, res); d != "" {
		return d
	}
	if c.Response.JSON == nil {
		return cmp.Or(differHeaders(c, res.Header), differBody(c, string(got)))
	}
	if kind := res.Header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		return "content type " + kind
	}
	var ours any
	if json.Unmarshal(got, &ours) != nil {
		return "no JSON"
	}
	return differ(c.Case, "", c.Response.JSON, ours)
}

// The real server's replies are ours, field by field. What differs is listed in docs/compatibility.md.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	results := make([]string, len(files))
	captures := make([]*capture, len(files))
	t.Run("replay", func(t *testing.T) {
		for i, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			captures[i] = loadCapture(t, file, text)
			results[i] = "the replay broke off"
			t.Run(captures[i].Case, func(t *testing.T) {
				t.Parallel()
				results[i] = stageOf(t, captures[i].Case).replay(captures[i])
			})
		}
	})
	doc := append(compatibility(captures, results), hookCompatibility(t, hookResults(t))...)
	path := filepath.Join("..", "..", "docs", "compatibility.md")
	if *update {
		require.NoError(t, os.WriteFile(path, doc, 0o644)) //nolint:gosec // a document
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(doc), "run: go test ./examples/mediaserver -run TestGolden -update")
}

// compatibility is the document.
func compatibility(captures []*capture, results []string) []byte {
	type line struct {
		same, absent, all int
		differ            []string
	}
	lines := map[string]*line{}
	same, absent, differing := 0, 0, 0
	for i, c := range captures {
		name, what, _ := strings.Cut(c.Case, ".")
		l := lines[name]
		if l == nil {
			l = &line{}
			lines[name] = l
		}
		l.all++
		why, defect := defects()[c.Case]
		switch {
		case results[i] == "":
			l.same++
			same++
		case results[i] == notThere:
			l.absent++
			absent++
		case defect:
			l.differ = append(l.differ, "on purpose: "+why)
			differing++
		default:
			l.differ = append(l.differ, strings.Trim(what+": "+results[i], ": "))
			differing++
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Compatibility with the HTTP API and the web hooks of ZLMediaKit

This file is written by a test, never by hand: go test ./examples/mediaserver -run TestGolden -update

Calls that were captured at the real server are made to the drop-in server. Status, code, field names, JSON types and
values that do not change from run to run must be equal, and of what is no JSON its type, range, cookie, name and text; the text of msg need not, nor loss, which is known here more often. Of streams, the schemas are compared
that this version serves. An endpoint that is not there yet checks its arguments, which is
compared too, and then answers code -1, "not enabled".

Of %d calls %d are equal, %d are of endpoints that are not there yet, %d differ.

| endpoint or subject | calls | equal | not there yet | differs |
|---|---|---|---|---|
`, len(captures), same, absent, differing)
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		l := lines[name]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n", name, l.all, l.same, l.absent, strings.ReplaceAll(strings.Join(l.differ, "; "), "|", "\\|"))
	}
	return b.Bytes()
}

// hookCompatibility is the part of the document that speaks of web hooks.
func hookCompatibility(t *testing.T, results map[string]string) []byte {
	t.Helper()
	files, err := filepath.Glob(hookCaptures + "*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var lines bytes.Buffer
	same, absents := 0, 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		h, err := golden.LoadHook(file)
		require.NoError(t, err)
		result, played := results[name]
		served := len(slices.DeleteFunc(slices.Clone(h.Requests), absent))
		switch {
		case strings.HasPrefix(name, "on_publish.retry_"):
			continue // TestGoldenRetries
		case !played:
			result = notThere
			absents++
		case result == "" && served < len(h.Requests):
			result = fmt.Sprintf("equal; %d of them in schemas that are not there yet", len(h.Requests)-served)
			same++
		case result == "":
			result = "equal"
			same++
		}
		fmt.Fprintf(&lines, "| %s | %d | %s |\n", name, len(h.Requests), result)
	}
	return fmt.Appendf(nil, `
## Web hooks

Each captured request is made again from its event (go test ./hook/httphook -run TestGoldenRequests): all are equal, headers and
body. Here, the drop-in server is published to, played and closed as the real one was when it was captured, and what its
backend is told must be the same requests, no more and no fewer, in an order that its documentation allows.

Of %d captures %d are equal, %d are of what is not there yet.

| capture | requests | result |
|---|---|---|
%s`, same+absents, same, absents, lines.Bytes())
}
