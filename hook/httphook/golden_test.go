package httphook_test

import (
	"context"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
	"github.com/sluice-media/sluice/internal/golden"
)

// sample is the body of a capture, from which its event is made again.
type sample map[string]any

func (s sample) text(key string) string { v, _ := s[key].(string); return v }
func (s sample) int(key string) int     { v, _ := s[key].(float64); return int(v) }
func (s sample) bool(key string) bool   { v, _ := s[key].(bool); return v }

func (s sample) key() hook.StreamKey {
	return hook.StreamKey{VHost: s.text("vhost"), App: s.text("app"), Name: s.text("stream")}
}

func (s sample) session() hook.Session {
	id := s.text("id")
	if strings.HasPrefix(id, "<") {
		id = "1-7"
	}
	return hook.Session{
		ID: id, Schema: s.text("schema"), Protocol: s.text("protocol"), Params: s.text("params"),
		Remote: netip.MustParseAddrPort("127.0.0.1:5000"), Local: netip.MustParseAddrPort("127.0.0.1:28935"),
	}
}

func (s sample) source() hook.Source {
	src := hook.Source{
		Params: s.text("params"), Created: time.Now(), Origin: hook.Origin(s.int("originType")), OriginURL: s.text("originUrl"),
		IsRecordingHLS: s.bool("isRecordingHLS"), IsRecordingMP4: s.bool("isRecordingMP4"),
	}
	if s["originSock"] != nil {
		src.OriginSession = s.session()
		src.OriginSession.ID = "1-7"
	}
	tracks, _ := s["tracks"].([]any)
	for _, v := range tracks {
		t := sample(v.(map[string]any))
		loss, _ := t["loss"].(float64)
		fps, _ := t["fps"].(float64)
		src.Tracks = append(src.Tracks, hook.TrackInfo{
			CodecID: t.int("codec_id"), Codec: t.text("codec_id_name"), Video: t.int("codec_type") == 0, Ready: t.bool("ready"),
			SampleRate: t.int("sample_rate"), Channels: t.int("channels"), SampleBits: t.int("sample_bit"),
			Width: t.int("width"), Height: t.int("height"), FPS: fps, GOPSize: t.int("gop_size"), Loss: loss,
		})
	}
	return src
}

// send has the event of a capture sent again.
func (s sample) send(ctx context.Context, h *httphook.Hook, event string) error {
	var err error
	switch event {
	case "on_publish":
		_, err = h.OnPublish(ctx, &hook.PublishEvent{Stream: s.key(), Session: s.session(), Origin: hook.Origin(s.int("originType"))})
	case "on_play":
		err = h.OnPlay(ctx, &hook.PlayEvent{Stream: s.key(), Session: s.session()})
	case "on_stream_not_found":
		_, err = h.OnStreamNotFound(ctx, &hook.PlayEvent{Stream: s.key(), Session: s.session()})
	case "on_stream_none_reader":
		_, err = h.OnStreamNoneReader(ctx, &hook.StreamEvent{Stream: s.key(), Schema: s.text("schema"), Params: s.text("params")})
	case "on_rtsp_realm":
		_, err = h.OnRTSPRealm(ctx, &hook.RTSPRealmEvent{Stream: s.key(), Session: s.session()})
	case "on_rtsp_auth":
		_, err = h.OnRTSPAuth(ctx, &hook.RTSPAuthEvent{
			Stream: s.key(), Session: s.session(), UserName: s.text("user_name"), MustNoEncrypt: s.bool("must_no_encrypt"), Realm: s.text("realm"),
		})
	case "on_http_access":
		header := http.Header{}
		for key := range s {
			if name, ok := strings.CutPrefix(key, "header."); ok {
				header[name] = []string{s.text(key)}
			}
		}
		_, err = h.OnHTTPAccess(ctx, &hook.HTTPAccessEvent{
			Session: s.session(), Path: s.text("path"), FilePath: s.text("file_path"), IsDir: s.bool("is_dir"), Header: header,
		})
	case "on_shell_login":
		err = h.OnShellLogin(ctx, &hook.ShellLoginEvent{Session: s.session(), UserName: s.text("user_name"), Password: s.text("passwd")})
	default:
		s.tell(ctx, h, event)
	}
	return err
}

// tell has the observation of a capture sent again.
func (s sample) tell(ctx context.Context, h *httphook.Hook, event string) {
	record := &hook.RecordEvent{
		Stream: s.key(), Params: s.text("params"), Start: time.Now(), Length: 2500 * time.Millisecond, FileSize: 5000,
		FilePath: s.text("file_path"), FileName: s.text("file_name"), Folder: s.text("folder"), URL: s.text("url"),
	}
	switch event {
	case "on_stream_changed":
		h.OnStreamChanged(ctx, &hook.StreamChangedEvent{
			Stream: s.key(), Schema: s.text("schema"), Registered: s.bool("regist"), Source: s.source(),
		})
	case "on_flow_report":
		h.OnFlowReport(ctx, &hook.FlowReportEvent{
			Stream: s.key(), Session: s.session(), TotalBytes: 1 << 40, Duration: 2900 * time.Millisecond, Player: s.bool("player"),
		})
	case "on_record_mp4":
		h.OnRecordMP4(ctx, record)
	case "on_record_ts":
		h.OnRecordTS(ctx, record)
	case "on_server_started":
		config := map[string]string{}
		for key := range s {
			if strings.Contains(key, ".") {
				config[key] = s.text(key)
			}
		}
		h.OnServerStarted(ctx, &hook.ServerStartedEvent{Config: config})
	case "on_server_keepalive":
		statistic := map[string]int64{}
		for key := range s["data"].(map[string]any) {
			statistic[key] = 1
		}
		h.OnServerKeepalive(ctx, &hook.ServerKeepaliveEvent{Statistic: statistic})
	case "on_server_exited":
		h.OnServerExited(ctx, &hook.ServerExitedEvent{})
	case "on_send_rtp_stopped":
		h.OnSendRTPStopped(ctx, &hook.SendRTPStoppedEvent{
			Stream: s.key(), Params: s.text("params"), SSRC: s.text("ssrc"), Origin: hook.Origin(s.int("originType")),
			OriginURL: s.text("originUrl"), Err: s.int("err"), Msg: s.text("msg"),
		})
	case "on_rtp_server_timeout":
		h.OnRTPServerTimeout(ctx, &hook.RTPServerTimeoutEvent{
			Stream: s.key(), LocalPort: 31000, StreamID: s.text("stream_id"), TCPMode: s.int("tcp_mode"),
			ReusePort: s.bool("re_use_port"), SSRC: uint32(s.int("ssrc")),
		})
	}
}

// Each request of the real server's is what the same event makes here: headers, fields, types and values.
func TestGoldenRequests(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.json")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			capture, err := golden.LoadHook(file)
			require.NoError(t, err)
			require.NotEmpty(t, capture.Requests)
			b := newBackend(t, nil)
			h := newHook(t, b.URL, nil)
			for _, want := range capture.Requests {
				require.NoError(t, sample(want.Body).send(t.Context(), h, capture.Hook))
				got := b.last(t)
				require.Equal(t, want.Path, got.path)
				require.Empty(t, golden.Differ("", want.Body, got.body))
				for name, value := range want.Headers {
					require.Len(t, got.header.Values(name), 1, name)
					if name != "Host" {
						require.Empty(t, golden.DifferText(name, value, got.header.Get(name)))
					}
				}
				require.Len(t, got.header, len(want.Headers)+1, "only Content-Length besides") //nolint:testifylint // no error
			}
		})
		seen[strings.SplitN(filepath.Base(file), ".", 2)[0]] = true
	}
	for _, event := range httphook.Events() {
		require.True(t, seen[event], "no capture of %s", event)
	}
}
