package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// double is all parts. It notes what it is asked.
type double struct {
	asked any
	err   error
}

func (d *double) AddProxy(_ context.Context, r api.ProxyRequest) (string, error) {
	d.asked = r
	return "k", d.err
}
func (d *double) RemoveProxy(key string) bool { return key == "k" }
func (d *double) Proxies() []api.Proxy {
	return []api.Proxy{{
		Key: "k", Stream: media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}, URL: "rtsp://a/b", Playing: true,
		Status: "playing", Alive: 3 * time.Second, Retries: 2, BytesSpeed: 5, TotalBytes: 7,
	}}
}

func (d *double) AddPusher(_ context.Context, r api.PusherRequest) (string, error) {
	d.asked = r
	return "k", d.err
}
func (d *double) RemovePusher(key string) bool { return key == "k" }
func (d *double) Pushers() []api.Proxy         { return d.Proxies() }

func (d *double) AddFFmpeg(_ context.Context, r api.FFmpegRequest) (string, error) {
	d.asked = r
	return "k", d.err
}
func (d *double) RemoveFFmpeg(key string) bool      { return key == "k" }
func (d *double) FFmpegSources() []api.FFmpegSource { return nil }

func (d *double) Snap(w http.ResponseWriter, _ *http.Request, url string, timeout, expire time.Duration) {
	w.Header().Set("Content-Type", "image/jpeg")
	fmt.Fprint(w, url, timeout, expire)
}
func (d *double) DeleteSnaps(media.StreamKey, string) error { return d.err }

func (d *double) OpenRTP(_ context.Context, r api.RTPServerRequest) (int, error) {
	d.asked = r
	return 30000, d.err
}
func (d *double) CloseRTP(key media.StreamKey) bool { return key.App == "rtp" && key.Name == "s" }
func (d *double) RTPServers() []api.RTPServer {
	return []api.RTPServer{{App: "rtp", Stream: "s", OnlyTrack: 2}}
}

func (d *double) RTPSession(key media.StreamKey) (hook.Session, bool) {
	return hook.Session{}, key.Name == "s"
}

func (d *double) ConnectRTP(_ context.Context, key media.StreamKey, host string, port int) error {
	d.asked = fmt.Sprint(key, host, port)
	return d.err
}

func (d *double) SetRTPSSRC(_ media.StreamKey, ssrc uint32) error {
	d.asked = ssrc
	return d.err
}

func (d *double) PauseRTPCheck(_ media.StreamKey, pause time.Duration) error {
	d.asked = pause
	return d.err
}

func (d *double) StartSend(_ context.Context, r api.SendRequest) (int, error) {
	d.asked = r
	return 40000, d.err
}
func (d *double) StopSend(_ media.StreamKey, ssrc string) bool { return ssrc != "9" }
func (d *double) Senders(media.StreamKey) ([]string, int64, uint64) {
	return []string{"1"}, 2, 3
}

func (d *double) StartRecord(_ context.Context, r api.RecordRequest) error {
	d.asked = r
	return d.err
}
func (d *double) StopRecord(context.Context, media.StreamKey, api.RecordType) error { return d.err }
func (d *double) Recording(_ media.StreamKey, kind api.RecordType) bool             { return kind == api.RecordMP4 }

func (d *double) RecordTask(context.Context, media.StreamKey, string, time.Duration, time.Duration) (string, error) {
	return "/a", d.err
}

func (d *double) RecordFiles(media.StreamKey, string, string) (string, []string, error) {
	return "/r/", nil, d.err
}

func (d *double) DeleteRecords(_ media.StreamKey, period, _, _ string) (string, bool, error) {
	return "/r/", period != "", d.err
}

func (d *double) LoadMP4(_ context.Context, r api.LoadRequest) (time.Duration, error) {
	d.asked = r
	return 6 * time.Second, d.err
}
func (d *double) SetSpeed(media.StreamKey, float64) error   { return d.err }
func (d *double) Seek(media.StreamKey, time.Duration) error { return d.err }
func (d *double) Download(w http.ResponseWriter, _ *http.Request, path, _ string) {
	fmt.Fprint(w, path)
}

func allParts(d *double) api.Parts {
	return api.Parts{Proxies: d, Pushers: d, FFmpeg: d, Snapshots: d, RTP: d, Senders: d, Recorder: d, Files: d}
}

const tuple = "vhost=v.example&app=live&stream=test"

// What a part is asked is what the arguments say, by their newer and their older names.
func TestPartsAreAsked(t *testing.T) {
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}
	rtpKey := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "s"}
	send := api.SendRequest{
		Stream: key, SSRC: "7", Host: "h", Port: 9, UDP: true, Type: 1, PayloadType: 96, CloseDelay: 5 * time.Second,
	}
	with := func(change func(*api.SendRequest)) api.SendRequest {
		r := send
		change(&r)
		return r
	}
	for query, want := range map[string]any{
		"addStreamProxy?" + tuple + "&url=rtsp://a/b&timeout_sec=2.5&rtp_type=1&enable_hls=0&enable_mp4=true&continue_push_ms=100&x=y": api.ProxyRequest{
			Stream: key, URL: "rtsp://a/b", Retries: -1, Timeout: 2500 * time.Millisecond, RTPType: 1,
			Options: hook.StreamOptions{EnableHLS: new(false), EnableMP4: new(true), ContinuePush: new(100 * time.Millisecond)},
			Extra:   map[string]string{"x": "y"},
		},
		"addStreamPusherProxy?schema=rtmp&" + tuple + "&dst_url=rtmp://a/b&retry_count=3": api.PusherRequest{
			Schema: "rtmp", Stream: key, URL: "rtmp://a/b", Retries: 3,
		},
		"addFFmpegSource?src_url=a&dst_url=b&timeout_ms=100&enable_mp4=true": api.FFmpegRequest{
			Source: "a", Destination: "b", Timeout: 100 * time.Millisecond, EnableMP4: true,
		},
		"openRtpServer?port=abc&stream_id=s&enable_tcp=1&only_audio=1&ssrc=4294967295": api.RTPServerRequest{
			Stream: rtpKey, TCPMode: 1, OnlyTrack: 1, SSRC: 1<<32 - 1,
		},
		"openRtpServer?port=70000&stream_id=s&tcp_mode=2&enable_tcp=1&ssrc=4294967296": api.RTPServerRequest{Stream: rtpKey, TCPMode: 2},
		"openRtpServerMultiplex?port=10&stream_id=s":                                   api.RTPServerRequest{Stream: rtpKey, Port: 10, Multiplex: true},
		"connectRtpServer?stream_id=s&dst_url=h&dst_port=5":                            rtpKey.String() + "h5",
		"updateRtpServerSSRC?stream_id=s&ssrc=77":                                      uint32(77),
		"pauseRtpCheck?stream_id=s":                                                    300 * time.Second,
		"resumeRtpCheck?stream_id=s":                                                   time.Duration(0),
		"startSendRtp?" + tuple + "&ssrc=7&dst_url=h&dst_port=9&is_udp=1":              send,
		"startSendRtp?" + tuple + "&ssrc=7&dst_url=h&dst_port=9&is_udp=1&use_ps=0&pt=8": with(func(r *api.SendRequest) {
			r.Type, r.PayloadType = 0, 8
		}),
		"startSendRtpPassive?" + tuple + "&ssrc=7": with(func(r *api.SendRequest) {
			r.Mode, r.Host, r.Port, r.UDP = "passive", "", 0, false
		}),
		"startRecord?" + tuple + "&type=1&max_second=60": api.RecordRequest{Stream: key, Type: api.RecordMP4, Length: time.Minute},
		"loadMP4File?" + tuple + "&file_path=/a&seek_ms=5": api.LoadRequest{
			Stream: key, Path: "/a", At: 5 * time.Millisecond, Options: hook.StreamOptions{AutoClose: new(true), EnableMP4: new(false)},
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

// sendQuery asks for a sender.
const sendQuery = "startSendRtp?" + tuple + "&ssrc=7&dst_url=h&dst_port=9&is_udp=1"

func TestPartsReplies(t *testing.T) {
	d := &double{}
	h, _ := newAPI(t, api.Options{Parts: allParts(d)})
	for query, want := range map[string]object{
		"addStreamProxy?" + tuple + "&url=a":                          {"code": 0.0, "data": object{"key": "k"}},
		"delStreamProxy?key=k":                                        {"code": 0.0, "data": object{"flag": true}},
		"delFFmpegSource?key=x":                                       {"code": 0.0, "data": object{"flag": false}},
		"delFFmepgSource?key=k":                                       {"code": 0.0, "data": object{"flag": true}},
		"listFFmpegSource":                                            {"code": 0.0},
		"listStreamProxy?key=x":                                       {"code": -400.0, "msg": "key not found: x"},
		"getProxyPusherInfo?key=x":                                    {"code": -500.0, "msg": "can not find the proxy"},
		"openRtpServer?port=0&stream_id=s":                            {"code": 0.0, "port": 30000.0},
		"closeRtpServer?stream_id=s":                                  {"code": 0.0, "hit": 1.0},
		"closeRtpServer?stream_id=s&app=x":                            {"code": 0.0, "hit": 0.0},
		"getRtpInfo?stream_id=x":                                      {"code": 0.0, "exist": false},
		sendQuery:                                                     {"code": 0.0, "local_port": 40000.0},
		"stopSendRtp?" + tuple:                                        {"code": 0.0},
		"stopSendRtp?" + tuple + "&ssrc=9":                            {"code": -1.0, "msg": "stopSendRtp failed"},
		"listRtpSender?" + tuple:                                      {"code": 0.0, "data": []any{"1"}, "bytesSpeed": 2.0, "totalBytes": 3.0},
		"isRecording?type=1&" + tuple:                                 {"code": 0.0, "status": true},
		"getRecordStatus?type=0&" + tuple:                             {"code": 0.0, "status": false},
		"isRecording?type=1&vhost=v&app=a&stream=none":                {"code": -500.0, "msg": "can not find the stream"},
		"startRecord?type=9&" + tuple:                                 {"code": -1.0, "result": false, "msg": "start record failed"},
		"stopRecord?type=0&" + tuple:                                  {"code": 0.0, "result": true, "msg": "success"},
		"getMP4RecordFile?" + tuple:                                   {"code": 0.0, "data": object{"rootPath": "/r/", "paths": []any{}}},
		"deleteRecordDirectory?" + tuple:                              {"code": -1.0, "path": "/r/"},
		"loadMP4File?" + tuple + "&file_path=a":                       {"code": 0.0, "data": object{"duration_ms": 6000.0}},
		"setRecordSpeed?schema=rtmp&" + tuple + "&speed=100":          {"code": -1.0, "result": -1.0, "msg": "set failed"},
		"setRecordSpeed?schema=rtmp&" + tuple + "&speed=2":            {"code": 0.0, "result": 0.0, "msg": "success"},
		"startRecordTask?" + tuple + "&path=a&back_ms=1&forward_ms=1": {"code": 0.0, "data": object{"path": "/a"}, "msg": ""},
	} {
		t.Run(query, func(t *testing.T) { require.Equal(t, want, get(t, h, query)) })
	}
	info := get(t, h, "getProxyInfo?key=k")["data"].(object)
	require.NotContains(t, info, "key")
	require.Equal(t, object{"vhost": hook.DefaultVHost, "app": "live", "stream": "test", "params": ""}, info["src"])
	require.Len(t, info["tracks"], 1)

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index/api/getSnap?url=u&timeout_sec=1.5&expire_sec=2&secret="+secret, nil))
	text, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	require.Equal(t, "image/jpeg u1.5s 2s", w.Header().Get("Content-Type")+" "+string(text))
}

// The error of a part chooses the code.
func TestPartsErrors(t *testing.T) {
	d := &double{}
	h, _ := newAPI(t, api.Options{Parts: allParts(d)})
	d.err = errors.New("connection refused")
	require.Equal(t, object{"code": -1.0, "msg": "connection refused", "local_port": 0.0}, get(t, h, sendQuery))
	d.err = api.NotFound("gone")
	require.Equal(t, object{"code": -500.0, "msg": "gone"}, get(t, h, "pauseRtpCheck?stream_id=s"))
	require.NoError(t, h.SetOptions(api.Options{Secret: secret, Legacy: true, Parts: allParts(d)}))
	require.Equal(t, -1.0, get(t, h, "pauseRtpCheck?stream_id=s")["code"])
	var none *double // a part that panics
	require.NoError(t, h.SetOptions(api.Options{Secret: secret, Parts: api.Parts{Proxies: none}}))
	require.Equal(t, object{"code": -400.0, "msg": "addStreamProxy failed unexpectedly"}, get(t, h, "addStreamProxy?"+tuple+"&url=a"))
}
