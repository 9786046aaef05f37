package zlmjson

import (
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// Tuple names a stream.
type Tuple struct {
	VHost  string `json:"vhost"`
	App    string `json:"app"`
	Stream string `json:"stream"`
	Params string `json:"params"`
}

// NewTuple returns the name of a stream, and the raw query it was published or asked for with.
func NewTuple(key hook.StreamKey, params string) Tuple {
	return Tuple{key.VHost, key.App, key.Name, params}
}

// SockInfo is the socket of a peer.
type SockInfo struct {
	Identifier string `json:"identifier"`
	LocalIP    string `json:"local_ip"`
	LocalPort  uint16 `json:"local_port"`
	PeerIP     string `json:"peer_ip"`
	PeerPort   uint16 `json:"peer_port"`
}

// NewSockInfo describes the socket of a session.
func NewSockInfo(x hook.Session) SockInfo {
	return SockInfo{
		Identifier: x.ID, LocalIP: IP(x.Local), LocalPort: x.Local.Port(), PeerIP: IP(x.Remote), PeerPort: x.Remote.Port(),
	}
}

// IP writes an address as an IP and no more: without port, and without the zone, which a backend on another machine can
// do nothing with. It is empty if there is none.
func IP(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().WithZone("").String()
}

// Source is one schema of a live stream: MediaSource.
type Source struct {
	Schema string `json:"schema"`
	Tuple
	CreateStamp      int64     `json:"createStamp"` // Unix seconds
	AliveSecond      int64     `json:"aliveSecond"`
	BytesSpeed       int64     `json:"bytesSpeed"` // bytes a second
	TotalBytes       uint64    `json:"totalBytes"`
	ReaderCount      int       `json:"readerCount"`
	TotalReaderCount int       `json:"totalReaderCount"`
	OriginType       int       `json:"originType"`
	OriginTypeStr    string    `json:"originTypeStr"`
	OriginURL        string    `json:"originUrl"`
	OriginSock       *SockInfo `json:"originSock"` // null for what no peer sends
	IsRecordingMP4   bool      `json:"isRecordingMP4"`
	IsRecordingHLS   bool      `json:"isRecordingHLS"`
	Tracks           []Track   `json:"tracks"`
}

// NewSource describes a stream in a schema. The loss of its tracks is left out unless withLoss, or if it is pulled: the original knows it
// at once then.
func NewSource(key hook.StreamKey, schema string, src hook.Source, withLoss bool) Source {
	s := Source{
		Schema: schema, Tuple: NewTuple(key, src.Params),
		CreateStamp: src.Created.Unix(), AliveSecond: int64(src.Alive / time.Second),
		BytesSpeed: src.BytesSpeed, TotalBytes: src.TotalBytes,
		ReaderCount: src.Readers, TotalReaderCount: src.TotalReaders,
		OriginType: int(src.Origin), OriginTypeStr: src.Origin.String(), OriginURL: src.OriginURL,
		IsRecordingMP4: src.IsRecordingMP4, IsRecordingHLS: src.IsRecordingHLS,
		Tracks: NewTracks(src.Tracks, withLoss || src.Origin == hook.OriginPull),
	}
	if src.OriginSession.Remote.IsValid() {
		s.OriginSock = new(NewSockInfo(src.OriginSession))
	}
	if src.Origin == hook.OriginPull && s.OriginSock != nil {
		s.OriginSock.Identifier = clientName(src.OriginSession)
	}
	return s
}

// clientName is what the original calls the client that pulls a stream, by its class and a number.
func clientName(x hook.Session) string {
	number, _, _ := strings.Cut(x.ID, "-")
	return "mediakit::" + map[string]string{"rtmp": "RtmpPlayerImp-", "rtsp": "RtspPlayerImp-"}[x.Schema] + number
}

// Track is one elementary stream.
type Track struct {
	CodecID     int    `json:"codec_id"`
	CodecIDName string `json:"codec_id_name"`
	CodecType   int    `json:"codec_type"` // 0 video, 1 audio
	Ready       bool   `json:"ready"`
	Frames      uint64 `json:"frames"`
	Duration    int64  `json:"duration"` // ms

	*Audio
	*Video

	Loss *float64 `json:"loss,omitempty"` // per cent; -1 unknown
}

// Audio is what only an audio track has.
type Audio struct {
	SampleRate int `json:"sample_rate"` // Hz
	Channels   int `json:"channels"`
	SampleBit  int `json:"sample_bit"`
}

// Video is what only a video track has.
type Video struct {
	Width         int     `json:"width"`
	Height        int     `json:"height"`
	FPS           float64 `json:"fps"`
	KeyFrames     uint64  `json:"key_frames"`
	GOPSize       int     `json:"gop_size"` // frames
	GOPIntervalMS int64   `json:"gop_interval_ms"`
}

// NewTracks describes tracks; the list is never nil.
func NewTracks(infos []hook.TrackInfo, withLoss bool) []Track {
	tracks := []Track{}
	for _, t := range infos {
		tracks = append(tracks, newTrack(t, withLoss))
	}
	return tracks
}

func newTrack(info hook.TrackInfo, withLoss bool) Track {
	t := Track{
		CodecID: info.CodecID, CodecIDName: info.Codec, Ready: info.Ready,
		Frames: info.Frames, Duration: info.Duration.Milliseconds(),
	}
	if withLoss {
		t.Loss = &info.Loss
	}
	if !info.Video {
		t.CodecType = 1
		t.Audio = &Audio{info.SampleRate, info.Channels, info.SampleBits}
		return t
	}
	t.Video = &Video{
		Width: info.Width, Height: info.Height, FPS: math.Round(info.FPS), KeyFrames: info.KeyFrames,
		GOPSize: info.GOPSize, GOPIntervalMS: info.GOPInterval.Milliseconds(),
	}
	return t
}
