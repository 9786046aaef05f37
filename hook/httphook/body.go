package httphook

import (
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/zlmjson"
)

// peer is who is behind an event.
type peer struct {
	ID   string `json:"id"`
	IP   string `json:"ip"`
	Port uint16 `json:"port"`
}

func newPeer(x hook.Session) peer {
	return peer{ID: x.ID, IP: zlmjson.IP(x.Remote), Port: x.Remote.Port()}
}

// client is a peer with the stream it publishes or plays.
type client struct {
	Schema   string `json:"schema"`
	Protocol string `json:"protocol"`
	zlmjson.Tuple
	peer
}

func newClient(key hook.StreamKey, x hook.Session) client {
	return client{x.Schema, x.Protocol, zlmjson.NewTuple(key, x.Params), newPeer(x)}
}

type publishBody struct {
	client
	OriginType    int    `json:"originType"`
	OriginTypeStr string `json:"originTypeStr"`
}

type rtspAuthBody struct {
	client
	UserName      string `json:"user_name"`
	MustNoEncrypt bool   `json:"must_no_encrypt"`
	Realm         string `json:"realm"`
}

type streamBody struct {
	Schema string `json:"schema"`
	zlmjson.Tuple
}

type registerBody struct {
	zlmjson.Source
	Register bool `json:"regist"`
}

type unregisterBody struct {
	streamBody
	Register bool `json:"regist"`
}

type flowBody struct {
	client
	TotalBytes uint64 `json:"totalBytes"`
	Duration   int64  `json:"duration"` // s
	Player     bool   `json:"player"`
}

type shellBody struct {
	peer
	UserName string `json:"user_name"`
	Password string `json:"passwd"`
}

type recordBody struct {
	zlmjson.Tuple
	StartTime int64   `json:"start_time"` // Unix seconds
	TimeLen   float64 `json:"time_len"`   // s
	FileSize  int64   `json:"file_size"`
	FileName  string  `json:"file_name"`
	FilePath  string  `json:"file_path"`
	Folder    string  `json:"folder"`
	URL       string  `json:"url"`
}

type keepaliveBody struct {
	Data map[string]int64 `json:"data"`
}

type sendRTPBody struct {
	zlmjson.Tuple
	SSRC          string `json:"ssrc"`
	OriginType    int    `json:"originType"`
	OriginTypeStr string `json:"originTypeStr"`
	OriginURL     string `json:"originUrl"`
	Msg           string `json:"msg"`
	Err           int    `json:"err"`
}

type rtpTimeoutBody struct {
	VHost     string `json:"vhost"`
	App       string `json:"app"`
	StreamID  string `json:"stream_id"`
	LocalPort int    `json:"local_port"`
	TCPMode   int    `json:"tcp_mode"`
	ReusePort bool   `json:"re_use_port"`
	SSRC      uint32 `json:"ssrc"`
}

// accessBody is that of on_http_access, which has a field for each header.
func accessBody(ev *hook.HTTPAccessEvent) map[string]any {
	p := newPeer(ev.Session)
	body := map[string]any{
		"path": ev.Path, "file_path": ev.FilePath, "is_dir": ev.IsDir, "params": ev.Session.Params,
		"ip": p.IP, "port": p.Port, "id": p.ID,
	}
	for name, values := range ev.Header {
		if len(values) > 0 {
			body["header."+name] = values[0]
		}
	}
	return body
}
