package api

import (
	"context"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/zlmjson"
	"github.com/sluice-media/sluice/media"
)

// Parts are what the endpoints control beyond streams and sessions. While one is nil its endpoints check their
// arguments and are not enabled. The methods of a part may be called from any goroutine, and end with ctx. An error of
// type *[Error] chooses the code of the reply; any other has code -1.
type Parts struct {
	Proxies   Proxies
	Pushers   Pushers
	FFmpeg    FFmpegSources
	Snapshots Snapshots
	RTP       RTPServers
	Senders   RTPSenders
	Recorder  Recorder
	Files     Files
}

// Proxies pulls streams from other servers: addStreamProxy, delStreamProxy, listStreamProxy, getProxyInfo.
type Proxies interface {
	// AddProxy begins to pull, and returns its key when the first attempt has ended.
	AddProxy(ctx context.Context, r ProxyRequest) (key string, err error)
	// RemoveProxy ends a pull, and reports whether there was one.
	RemoveProxy(key string) bool
	// Proxies lists them.
	Proxies() []Proxy
}

// ProxyRequest asks for a pull.
type ProxyRequest struct {
	Stream media.StreamKey
	URL    string
	// Retries is how often to try again after a first success; less than 0 means for ever.
	Retries int
	// Force keeps the pull although the first attempt fails.
	Force bool
	// Timeout is that of an attempt; 0 means the default.
	Timeout time.Duration
	// RTPType is how RTSP carries media: 0 TCP, 1 UDP, 2 multicast.
	RTPType int
	Options hook.StreamOptions
	// Extra are the other arguments of the call, by name in lower case, without the secret.
	Extra map[string]string
}

// Proxy is a pull, as it is at present.
type Proxy struct {
	Key        string
	Stream     media.StreamKey
	URL        string
	Playing    bool
	Status     string // such as "playing" or "play failed: …"
	Alive      time.Duration
	Retries    int // that there were
	BytesSpeed int64
	TotalBytes uint64
}

// Pushers publish streams to other servers: addStreamPusherProxy and the like.
type Pushers interface {
	// AddPusher begins to push, and returns its key when the first attempt has ended.
	AddPusher(ctx context.Context, r PusherRequest) (key string, err error)
	// RemovePusher ends a push, and reports whether there was one.
	RemovePusher(key string) bool
	// Pushers lists them.
	Pushers() []Proxy
}

// PusherRequest asks for a push.
type PusherRequest struct {
	Schema  string
	Stream  media.StreamKey
	URL     string
	Retries int           // as in [ProxyRequest]
	Timeout time.Duration // of an attempt; 0 means the default
	RTPType int
}

// FFmpegSources are ffmpeg programs that pull and push: addFFmpegSource, delFFmpegSource, listFFmpegSource.
type FFmpegSources interface {
	// AddFFmpeg starts one, and returns its key once it delivers.
	AddFFmpeg(ctx context.Context, r FFmpegRequest) (key string, err error)
	// RemoveFFmpeg ends one, and reports whether there was one.
	RemoveFFmpeg(key string) bool
	// FFmpegSources lists them.
	FFmpegSources() []FFmpegSource
}

// FFmpegRequest asks for an ffmpeg.
type FFmpegRequest struct {
	Source, Destination  string // URLs
	Timeout              time.Duration
	EnableHLS, EnableMP4 bool
	Command              string // key of the template; empty for ffmpeg.cmd
}

// FFmpegSource is an ffmpeg that runs.
type FFmpegSource struct {
	Key     string `json:"key"`
	Source  string `json:"src_url"`
	Dest    string `json:"dst_url"`
	Command string `json:"cmd"`
	CmdKey  string `json:"ffmpeg_cmd_key"`
}

// Snapshots takes pictures: getSnap, deleteSnapDirectory.
type Snapshots interface {
	// Snap answers the request with a picture of url that is not older than expire. It answers in every case.
	Snap(w http.ResponseWriter, r *http.Request, url string, timeout, expire time.Duration)
	// DeleteSnaps deletes the pictures of a stream, or one file.
	DeleteSnaps(key media.StreamKey, file string) error
}

// RTPServers receive RTP on ports of their own, by GB28181: openRtpServer and the like.
type RTPServers interface {
	OpenRTP(ctx context.Context, r RTPServerRequest) (port int, err error)
	CloseRTP(key media.StreamKey) bool
	RTPServers() []RTPServer
	// RTPSession is the peer that feeds a stream; false if nothing does.
	RTPSession(key media.StreamKey) (hook.Session, bool)
	ConnectRTP(ctx context.Context, key media.StreamKey, host string, port int) error
	SetRTPSSRC(key media.StreamKey, ssrc uint32) error
	// PauseRTPCheck suspends the time-out for so long; 0 ends that.
	PauseRTPCheck(key media.StreamKey, d time.Duration) error
}

// RTPServerRequest asks for a port.
type RTPServerRequest struct {
	Stream    media.StreamKey
	Port      int // 0 means any of the range
	TCPMode   int // 0 UDP, 1 UDP and TCP, 2 TCP that connects
	Reuse     bool
	SSRC      uint32 // 0 takes all
	OnlyTrack int    // 0 both, 1 audio, 2 video
	LocalIP   string
	// Multiplex takes many senders on the port, whose streams are named by SSRC.
	Multiplex bool
}

// RTPServer is a port that is open.
type RTPServer struct {
	VHost     string `json:"vhost"`
	App       string `json:"app"`
	Stream    string `json:"stream_id"`
	Port      int    `json:"port"`
	SSRC      uint32 `json:"ssrc"`
	TCPMode   int    `json:"tcp_mode"`
	OnlyTrack int    `json:"only_track"`
}

// RTPSenders send streams as RTP: startSendRtp and the like.
type RTPSenders interface {
	// StartSend begins, and returns the local port.
	StartSend(ctx context.Context, r SendRequest) (port int, err error)
	// StopSend ends the sender of an SSRC, or all of the stream if that is empty, and reports whether there was one.
	StopSend(key media.StreamKey, ssrc string) bool
	// Senders lists the SSRCs of a stream's senders, and what they send in all.
	Senders(key media.StreamKey) (ssrcs []string, bytesSpeed int64, totalBytes uint64)
}

// SendRequest asks for a sender.
type SendRequest struct {
	Stream media.StreamKey
	// Mode is "" to connect, "passive" to be connected to, "talk" to answer a receiver.
	Mode         string
	SSRC         string
	Host         string
	Port         int
	UDP          bool
	LocalPort    int
	FromMP4      bool
	Type         int // 0 elementary stream, 1 PS, 2 TS
	PayloadType  int
	OnlyAudio    bool
	RTCPTimeout  bool
	MultiSend    bool
	Receiver     string // stream to receive on the same socket
	CloseDelay   time.Duration
	BackPressure bool
}

// Recorder records streams: startRecord, stopRecord, isRecording, startRecordTask.
type Recorder interface {
	// StartRecord begins; of what is recorded already it changes nothing.
	StartRecord(ctx context.Context, r RecordRequest) error
	StopRecord(ctx context.Context, key media.StreamKey, kind RecordType) error
	Recording(key media.StreamKey, kind RecordType) bool
	// RecordTask writes what was from back ago to forward from now into a file, and returns its path.
	RecordTask(ctx context.Context, key media.StreamKey, path string, back, forward time.Duration) (string, error)
}

// RecordType is the form of a recording.
type RecordType int

// The forms of recordings.
const (
	RecordHLS RecordType = iota
	RecordMP4
	RecordHLSFMP4
	RecordFMP4
	RecordTS
)

// RecordRequest asks for a recording.
type RecordRequest struct {
	Stream media.StreamKey
	Type   RecordType
	Path   string        // instead of the configured directory
	Length time.Duration // of a file; 0 means the configured one
}

// Files are recordings and their playback: getMp4RecordFile, deleteRecordDirectory, loadMP4File, setRecordSpeed,
// seekRecordStamp, downloadFile.
type Files interface {
	// RecordFiles lists the files of a day, or the days that begin with period, with the directory they are in.
	RecordFiles(key media.StreamKey, period, path string) (root string, names []string, err error)
	// DeleteRecords deletes the recordings of a period, or one file of it; ok is false if there was none.
	DeleteRecords(key media.StreamKey, period, name, path string) (dir string, ok bool, err error)
	// LoadMP4 plays files as a stream, and returns their length.
	LoadMP4(ctx context.Context, r LoadRequest) (time.Duration, error)
	SetSpeed(key media.StreamKey, speed float64) error
	Seek(key media.StreamKey, at time.Duration) error
	// Download answers the request with a file. It answers in every case.
	Download(w http.ResponseWriter, r *http.Request, path, saveAs string)
}

// LoadRequest asks to play files as a stream.
type LoadRequest struct {
	Stream  media.StreamKey
	Path    string // a file, several separated by semicolons, or a directory
	Repeat  bool
	At      time.Duration
	Speed   float64 // 0 means 1
	Options hook.StreamOptions
}

// proxyObject is a Proxy as the API shows it.
func (h *Handler) proxyObject(p Proxy, pusher bool) reply {
	out := reply{
		"url": p.URL, "status": 1, "liveSecs": int64(p.Alive / time.Second), "bytesSpeed": p.BytesSpeed, "totalBytes": p.TotalBytes,
	}
	if p.Playing {
		out["status"] = 0
	}
	src := zlmjson.NewTuple(p.Stream, "")
	if pusher {
		out["src"], out["rePublishCount"] = src, p.Retries
		return out
	}
	out["status_str"], out["rePullCount"], out["totalReaderCount"], out["tracks"] = p.Status, p.Retries, 0, []zlmjson.Track{}
	if st, ok := h.media.Stream(p.Stream); ok {
		info := st.Source("")
		src.Params = info.Params
		out["totalReaderCount"], out["tracks"] = info.TotalReaders, zlmjson.NewTracks(info.Tracks, false)
	}
	out["src"] = src
	return out
}
