package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/relay"
	"github.com/sluice-media/sluice/rtsp"
)

// double is all parts. It notes what it is asked.
type double struct {
	asked any
	err   error
}

func (d *double) Pull(_ context.Context, r relay.PullRequest) error {
	d.asked = r
	return d.err
}
func (d *double) StopPull(key string) bool { return key == "k" }
func (d *double) Pulls() []relay.Status {
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}
	return []relay.Status{
		{
			Key: "k", Stream: key, URL: "rtsp://me:canary@a/b?t=canary", State: relay.Playing, Alive: 3 * time.Second, Retries: 2, BytesPerSecond: 5,
			TotalBytes: 7,
		},
		{Key: "dropped", State: relay.Dropped, Err: errors.New("reset by rtsp://me:canary@a/b")},
	}
}

func (d *double) Push(_ context.Context, r relay.PushRequest) error {
	d.asked = r
	return d.err
}
func (d *double) StopPush(key string) bool { return key == "k" }
func (d *double) Pushes() []relay.Status   { return d.Pulls() }

func (d *double) Pause(_ context.Context, key media.StreamKey) error {
	d.asked = key
	return d.err
}

func (d *double) Seek(_ context.Context, _ media.StreamKey, at time.Duration) error {
	d.asked = at
	return d.err
}

func (d *double) SetSpeed(_ context.Context, _ media.StreamKey, speed float64) error {
	d.asked = speed
	return d.err
}

func (d *double) RunFFmpeg(_ context.Context, r relay.FFmpegRequest) error {
	d.asked = r
	return d.err
}
func (d *double) StopFFmpeg(key string) bool { return key == "k" }
func (d *double) FFmpegs() []relay.FFmpegStatus {
	return []relay.FFmpegStatus{{Key: "k", Source: "rtsp://me:canary@a", Destination: "b?key=canary", Command: "ffmpeg -i rtsp://me:canary@a b"}}
}

func (d *double) Snapshot(_ context.Context, r relay.SnapshotRequest) (*relay.Snapshot, error) {
	d.asked = r
	return &relay.Snapshot{ContentType: "image/jpeg", Data: []byte("picture")}, d.err
}
func (d *double) DeleteSnapshots(context.Context, media.StreamKey, string) error { return d.err }

func (d *double) Open(_ context.Context, r gb28181.Request) (*gb28181.Port, error) {
	d.asked = r
	return &gb28181.Port{Number: 30000}, d.err
}
func (d *double) ClosePort(key media.StreamKey) bool { return key.App == "rtp" && key.Name == "s" }
func (d *double) Ports() []gb28181.PortStatus {
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "s"}
	return []gb28181.PortStatus{{
		Port: gb28181.Port{Stream: key, Number: 3, Mode: gb28181.TCPActive}, SSRC: 5, Tracks: gb28181.VideoOnly,
	}}
}

func (d *double) Peer(key media.StreamKey) (hook.Session, bool) {
	return hook.Session{}, key.Name == "s"
}

func (d *double) Connect(_ context.Context, key media.StreamKey, host string, port int) error {
	d.asked = fmt.Sprint(key, host, port)
	return d.err
}

func (d *double) SetSSRC(_ context.Context, _ media.StreamKey, ssrc uint32) error {
	d.asked = ssrc
	return d.err
}

func (d *double) SuspendTimeout(_ media.StreamKey, pause time.Duration) error {
	d.asked = pause
	return d.err
}

func (d *double) Send(_ context.Context, r gb28181.SendRequest) (int, error) {
	d.asked = r
	return 40000, d.err
}

func (d *double) StopSend(_ media.StreamKey, ssrcs ...uint32) int {
	d.asked = ssrcs
	return len(ssrcs)
}

func (d *double) Senders(media.StreamKey) []gb28181.SenderStatus {
	return []gb28181.SenderStatus{{SSRC: 1}, {SSRC: 1<<32 - 1, BytesPerSecond: 2, TotalBytes: 3}}
}

func (d *double) Start(_ context.Context, r record.Request) error {
	d.asked = r
	return d.err
}
func (d *double) Stop(context.Context, media.StreamKey, record.Kind) error { return d.err }
func (d *double) Recording(_ media.StreamKey, kind record.Kind) bool       { return kind == record.MP4 }

func (d *double) Clip(_ context.Context, r record.ClipRequest) (string, error) {
	d.asked = r
	return "/a", d.err
}

func (d *double) List(_ context.Context, q record.Query) (record.Listing, error) {
	d.asked = q
	return record.Listing{Dir: "/r"}, d.err
}

func (d *double) Delete(_ context.Context, q record.Query, _ string) (string, int, error) {
	return "/r/", len(q.Period), d.err
}

func (d *double) Load(_ context.Context, r record.LoadRequest) (time.Duration, error) {
	d.asked = r
	return 6 * time.Second, d.err
}

// allParts shows that a part is plugged in as it is.
func allParts(d *double) api.Parts {
	return api.Parts{Relay: d, FFmpeg: d, Snapshots: d, Recorder: d, Library: d, Files: d, Receiver: d, Sender: d}
}

const tuple = "vhost=v.example&app=live&stream=test"

// What a part is asked is what the arguments say, by their newer and their older names.
func TestPartsAreAsked(t *testing.T) {
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}
	rtpKey := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "s"}
	send := gb28181.SendRequest{Stream: key, SSRC: 7, Host: "h", Port: 9, UDP: true}
	with := func(change func(*gb28181.SendRequest)) gb28181.SendRequest {
		r := send
		change(&r)
		return r
	}
	for query, want := range map[string]any{
		"addStreamProxy?" + tuple + "&url=rtsp://a/b&timeout_sec=2.5&rtp_type=1&enable_hls=0&enable_mp4=true&continue_push_ms=100&rtsp_user=u&rtsp_pwd=p&media_timeout_ms=70": relay.PullRequest{
			Stream: key, Key: "v.example/live/test", URL: "rtsp://a/b", User: "u", Password: "p", Transport: rtsp.UDP,
			Options: hook.StreamOptions{EnableHLS: new(false), EnableMP4: new(true), ContinuePush: new(100 * time.Millisecond)},
			Retry:   relay.Retry{Timeout: 2500 * time.Millisecond, MediaTimeout: 70 * time.Millisecond},
		},
		"addStreamProxy?" + tuple + "&url=a&rtp_type=2&rtsp_speed=4": relay.PullRequest{
			Stream: key, Key: "v.example/live/test", URL: "a", Transport: rtsp.Multicast, Speed: 4,
		},
		"addStreamProxy?" + tuple + "&url=a&retry_count=0&force=1&protocol_timeout_ms=80&beat_interval_ms=90": relay.PullRequest{
			Stream: key, Key: "v.example/live/test", URL: "a", Transport: rtsp.TCP,
			Retry: relay.Retry{Force: true, MaxRetries: -1, Timeout: 80 * time.Millisecond, KeepAlive: 90 * time.Millisecond},
		},
		"addStreamPusherProxy?schema=rtmp&" + tuple + "&dst_url=rtmp://127.0.0.1:28935/push/dst&retry_count=3": relay.PushRequest{
			Schema: "rtmp", Stream: key, Key: "rtmp/v.example/live/test/3b35414bf18e45d99e4770dae5932d1d",
			URL: "rtmp://127.0.0.1:28935/push/dst", Transport: rtsp.TCP, Retry: relay.Retry{MaxRetries: 3},
		},
		"addFFmpegSource?src_url=a&dst_url=rtmp://127.0.0.1:28935/ff/out&timeout_ms=100&enable_mp4=true": relay.FFmpegRequest{
			Key: "15c26d9c27590a23b20d0472c34e7641", Source: "a", Destination: "rtmp://127.0.0.1:28935/ff/out",
			Timeout: 100 * time.Millisecond, RecordMP4: true,
		},
		"openRtpServer?port=abc&stream_id=s&enable_tcp=1&only_audio=1&ssrc=4294967295": gb28181.Request{
			Stream: rtpKey, Mode: gb28181.TCPPassive, Tracks: gb28181.AudioOnly, SSRC: 1<<32 - 1,
		},
		"openRtpServer?port=70000&stream_id=s&tcp_mode=2&enable_tcp=1&ssrc=4294967296": gb28181.Request{
			Stream: rtpKey, Mode: gb28181.TCPActive,
		},
		"openRtpServerMultiplex?port=10&stream_id=s":                          gb28181.Request{Stream: rtpKey, Port: 10, Multiplex: true},
		"connectRtpServer?stream_id=s&dst_url=h&dst_port=5":                   rtpKey.String() + "h5",
		"updateRtpServerSSRC?stream_id=s&ssrc=77":                             uint32(77),
		"pauseRtpCheck?stream_id=s":                                           300 * time.Second,
		"resumeRtpCheck?stream_id=s":                                          time.Duration(0),
		"startSendRtp?" + tuple + "&ssrc=7&dst_url=h&dst_port=9&is_udp=1":     send,
		"startSendRtp?" + tuple + "&ssrc=0xabc&dst_url=h&dst_port=9&is_udp=1": with(func(r *gb28181.SendRequest) { r.SSRC = 0 }),
		"startSendRtp?" + tuple + "&ssrc=7&dst_url=h&dst_port=9&is_udp=1&use_ps=0&pt=8": with(func(r *gb28181.SendRequest) {
			r.Payload, r.PayloadType = gb28181.PayloadES, new(uint8(8))
		}),
		"startSendRtpTalk?" + tuple + "&ssrc=7&recv_stream_id=r&type=2": with(func(r *gb28181.SendRequest) {
			r.Mode, r.Host, r.Port, r.UDP, r.Payload = gb28181.Talk, "", 0, false, gb28181.PayloadTS
			r.Receive = media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "r"}
		}),
		"startSendRtpPassive?" + tuple + "&ssrc=7": with(func(r *gb28181.SendRequest) {
			r.Mode, r.Host, r.Port, r.UDP = gb28181.Listen, "", 0, false
		}),
		"stopSendRtp?" + tuple + "&ssrc=7":                    []uint32{7},
		"startRecord?" + tuple + "&type=1&max_second=60":      record.Request{Stream: key, Kind: record.MP4, MaxDuration: time.Minute},
		"startRecord?" + tuple + "&type=0&customized_path=/d": record.Request{Stream: key, Kind: record.HLS, Dir: "/d"},
		"getMp4RecordFile?" + tuple + "&period=2026-11":       record.Query{Stream: key, Period: "2026-11"},
		"startRecordTask?" + tuple + "&path=a&back_ms=1&forward_ms=2": record.ClipRequest{
			Stream: key, Path: "a", Back: time.Millisecond, Forward: 2 * time.Millisecond,
		},
		"loadMP4File?" + tuple + "&file_path=/a;/b;&seek_ms=5": record.LoadRequest{
			Stream: key, Paths: []string{"/a", "/b"}, At: 5 * time.Millisecond,
			Options: hook.StreamOptions{AutoClose: new(true), EnableMP4: new(false)},
		},
	} {
		t.Run(query, func(t *testing.T) {
			d := &double{}
			h, _ := newAPI(t, api.Options{Parts: allParts(d)})
			require.Equal(t, 0.0, get(t, h, query)["code"])
			require.Equal(t, want, d.asked)
		})
	}
}

// What is pulled from a recording is controlled by JSON only.
func TestPulledRecording(t *testing.T) {
	d := &double{}
	h, _ := newAPI(t, api.Options{Parts: allParts(d)})
	do := func(name, more string) object {
		r := httptest.NewRequest(http.MethodPost, "/index/api/"+name,
			strings.NewReader(`{"secret":"`+secret+`","vhost":"v","app":"live","stream":"test"`+more+`}`))
		r.Header.Set("Content-Type", "application/json")
		return call(t, h, r)
	}
	done := object{"code": 0.0, "result": 0.0, "msg": "success"}
	require.Equal(t, done, do("setStreamSpeed", `,"speed":0.5`))
	require.Equal(t, 0.5, d.asked)
	require.Equal(t, done, do("seekStream", `,"position":1.5`))
	require.Equal(t, 1500*time.Millisecond, d.asked)
	require.Equal(t, done, do("pauseStream", ""))
	require.Equal(t, media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}, d.asked)
	d.err = relay.ErrNotFound
	require.Equal(t, object{"code": -500.0, "msg": "can not find the stream proxy"}, do("pauseStream", ""))
	d.err = &rtsp.StatusError{Method: "PAUSE", Code: 455, Reason: "Method Not Valid in This State"}
	require.Equal(t, object{"code": -1.0, "msg": "PAUSE:455 Method Not Valid in This State"}, do("pauseStream", ""), "in the server's words")
	d.err = &api.Error{Code: -7, Msg: "the part's own"}
	require.Equal(t, object{"code": -7.0, "msg": "the part's own"}, do("seekStream", ""))
}

// sendQuery asks for a sender.
const sendQuery = "startSendRtp?" + tuple + "&ssrc=7&dst_url=h&dst_port=9&is_udp=1"

func TestPartsReplies(t *testing.T) {
	d := &double{}
	h, _ := newAPI(t, api.Options{Parts: allParts(d)})
	for query, want := range map[string]object{
		"addStreamProxy?" + tuple + "&url=a": {"code": 0.0, "data": object{"key": "v.example/live/test"}},
		"delStreamProxy?key=k":               {"code": 0.0, "data": object{"flag": true}},
		"delFFmpegSource?key=x":              {"code": 0.0, "data": object{"flag": false}},
		"delFFmepgSource?key=k":              {"code": 0.0, "data": object{"flag": true}},
		"listFFmpegSource": {"code": 0.0, "data": []any{object{
			"key": "k", "src_url": "rtsp://xxxxx@a", "dst_url": "b?key=xxxxx", "cmd": "ffmpeg -i rtsp://xxxxx@a b", "ffmpeg_cmd_key": "",
		}}},
		"listRtpServer": {"code": 0.0, "data": []any{object{
			"vhost": hook.DefaultVHost, "app": "rtp", "stream_id": "s", "port": 3.0, "ssrc": 5.0, "tcp_mode": 2.0, "only_track": 2.0,
		}}},
		"listStreamProxy?key=x":            {"code": -400.0, "msg": "key not found: x"},
		"getProxyPusherInfo?key=x":         {"code": -500.0, "msg": "can not find the proxy"},
		"openRtpServer?port=0&stream_id=s": {"code": 0.0, "port": 30000.0},
		"closeRtpServer?stream_id=s":       {"code": 0.0, "hit": 1.0},
		"closeRtpServer?stream_id=s&app=x": {"code": 0.0, "hit": 0.0},
		"getRtpInfo?stream_id=x":           {"code": 0.0, "exist": false},
		sendQuery:                          {"code": 0.0, "local_port": 40000.0},
		"startSendRtp?" + tuple + "&ssrc=abc&dst_url=h&dst_port=9&is_udp=1": {"code": -400.0, "msg": "ssrc is no number"},
		"stopSendRtp?" + tuple + "&ssrc=9":                                  {"code": 0.0},
		"stopSendRtp?" + tuple:                                              {"code": -1.0, "msg": "stopSendRtp failed"},
		"listRtpSender?" + tuple:                                            {"code": 0.0, "data": []any{"1", "4294967295"}, "bytesSpeed": 2.0, "totalBytes": 3.0},
		"isRecording?type=1&" + tuple:                                       {"code": 0.0, "status": true},
		"getRecordStatus?type=0&" + tuple:                                   {"code": 0.0, "status": false},
		"isRecording?type=1&vhost=v&app=a&stream=none":                      {"code": -500.0, "msg": "can not find the stream"},
		"startRecord?type=9&" + tuple:                                       {"code": -1.0, "result": false, "msg": "start record failed"},
		"stopRecord?type=0&" + tuple:                                        {"code": 0.0, "result": true, "msg": "success"},
		"getMP4RecordFile?" + tuple:                                         {"code": 0.0, "data": object{"rootPath": "/r/", "paths": []any{}}},
		"deleteRecordDirectory?" + tuple:                                    {"code": -1.0, "path": "/r/"},
		"loadMP4File?" + tuple + "&file_path=a":                             {"code": 0.0, "data": object{"duration_ms": 6000.0}},
		"setRecordSpeed?schema=rtmp&" + tuple + "&speed=100":                {"code": -1.0, "result": -1.0, "msg": "set failed"},
		"setRecordSpeed?schema=rtmp&" + tuple + "&speed=2":                  {"code": 0.0, "result": 0.0, "msg": "success"},
		"startRecordTask?" + tuple + "&path=a&back_ms=1&forward_ms=1":       {"code": 0.0, "data": object{"path": "/a"}, "msg": ""},
	} {
		t.Run(query, func(t *testing.T) { require.Equal(t, want, get(t, h, query)) })
	}
	info := get(t, h, "getProxyInfo?key=k")["data"].(object)
	require.NotContains(t, info, "key")
	require.Equal(t, "rtsp://xxxxx@a/b?t=xxxxx", info["url"])
	require.Equal(t, object{"vhost": hook.DefaultVHost, "app": "live", "stream": "test", "params": ""}, info["src"])
	require.Len(t, info["tracks"], 1)

	require.Equal(t, "playing", info["status_str"])
	dropped := get(t, h, "getProxyInfo?key=dropped")["data"].(object)
	require.Equal(t, []any{1.0, "play shutdown: reset by rtsp://xxxxx@a/b"}, []any{dropped["status"], dropped["status_str"]})
}

// A picture is answered as it is, in parts too; without one there is the default, or an error.
func TestSnapshots(t *testing.T) {
	d := &double{}
	h, _ := newAPI(t, api.Options{Parts: allParts(d)})
	snap := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/index/api/getSnap?url=u&timeout_sec=1.5&expire_sec=2&width=320&secret="+secret, nil)
		r.Header.Set("Range", "bytes=0-2")
		h.ServeHTTP(w, r)
		return w
	}
	w := snap()
	require.Equal(t, "206 image/jpeg pic", fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"), " ", w.Body))
	require.Equal(t, relay.SnapshotRequest{URL: "u", Timeout: 1500 * time.Millisecond, MaxAge: 2 * time.Second, Width: 320}, d.asked)
	d.err = errors.New("no such stream")
	require.Contains(t, snap().Body.String(), "no such stream")
	parts := allParts(d)
	parts.DefaultSnapshot = &relay.Snapshot{ContentType: "image/png", Data: []byte("logo")}
	require.NoError(t, h.SetOptions(api.Options{Secret: secret, Parts: parts}))
	w = snap()
	require.Equal(t, "206 image/png log", fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"), " ", w.Body))
}

// Files are given from the directories that are named, and from nowhere else.
func TestDownloads(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "a.mp4"), []byte("content"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "b"), []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(filepath.Join(outside, "b"), filepath.Join(root, "link")))
	h, _ := newAPI(t, api.Options{Parts: api.Parts{Downloads: []string{t.TempDir(), root}}})
	download := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		query := url.Values{"secret": {secret}, "file_path": {path}, "save_name": {`x"y.mp4`}}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index/api/downloadFile?"+query.Encode(), nil))
		return w
	}
	w := download(filepath.Join(root, "a.mp4"))
	require.Equal(t, "content", w.Body.String())
	require.Equal(t, `attachment;filename="x_y.mp4";filename*=UTF-8''x%22y.mp4`, w.Header().Get("Content-Disposition"))
	for path, want := range map[string]string{
		filepath.Join(outside, "b"):                   "401 You can not download files outside the root directory",
		root + "/../" + filepath.Base(outside) + "/b": "401 You can not access parent directory",
		filepath.Join(root, "link"):                   "404 404 page not found\n",
		filepath.Join(root, "none"):                   "404 404 page not found\n",
		root:                                          "404 404 page not found\n",
	} {
		w := download(path)
		require.Equal(t, want, fmt.Sprint(w.Code, " ", w.Body), path)
	}
	require.NoError(t, h.SetOptions(api.Options{Secret: secret}))
	require.Contains(t, download("a").Body.String(), "not enabled: this server has no part for it (api.Options.Parts.Downloads)")
}

// The error of a part chooses the code.
func TestPartsErrors(t *testing.T) {
	d := &double{}
	h, _ := newAPI(t, api.Options{Parts: allParts(d)})
	d.err = errors.New("connection refused")
	require.Equal(t, object{"code": -1.0, "msg": "connection refused", "local_port": 0.0}, get(t, h, sendQuery))
	require.Equal(t, object{"code": -400.0, "msg": "connection refused"}, get(t, h, "openRtpServer?port=1&stream_id=s"))
	require.Equal(t, object{"code": -400.0, "msg": "connection refused"}, get(t, h, "loadMP4File?"+tuple+"&file_path=a"))
	d.err = gb28181.ErrNotFound
	require.Equal(t, object{"code": -500.0}, get(t, h, "pauseRtpCheck?stream_id=s"))
	d.err = gb28181.ErrExists
	require.Equal(t, object{"code": -300.0, "msg": "This stream already exists"}, get(t, h, "openRtpServer?port=1&stream_id=s"))
	d.err = relay.ErrExists
	require.Equal(t, object{"code": -1.0, "msg": "This stream already exists"}, get(t, h, "addStreamProxy?"+tuple+"&url=a"))
	require.Equal(t, 0.0, get(t, h, "addFFmpegSource?src_url=a&dst_url=b&timeout_ms=1")["code"])
	require.Equal(t, 0.0, get(t, h, "addStreamPusherProxy?schema=rtmp&"+tuple+"&dst_url=a")["code"])
	d.err = api.NotFound("gone")
	require.Equal(t, object{"code": -500.0, "msg": "gone"}, get(t, h, "pauseRtpCheck?stream_id=s"))
	require.NoError(t, h.SetOptions(api.Options{Secret: secret, Legacy: true, Parts: allParts(d)}))
	require.Equal(t, -1.0, get(t, h, "pauseRtpCheck?stream_id=s")["code"])
	var none *double // a part that panics
	require.NoError(t, h.SetOptions(api.Options{Secret: secret, Parts: api.Parts{Relay: none}}))
	require.Equal(t, object{"code": -400.0, "msg": "addStreamProxy failed unexpectedly"}, get(t, h, "addStreamProxy?"+tuple+"&url=a"))
}
