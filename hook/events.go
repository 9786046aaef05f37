package hook

import (
	"net/http"
	"time"
)

// PublishEvent asks to open a stream for a publisher.
type PublishEvent struct {
	Stream  StreamKey
	Session Session
	// Origin is the API's originType.
	Origin Origin
}

// PublishReply is what an OnPublish that admits may set. The zero value keeps the server's defaults.
type PublishReply struct {
	// Options of the stream; what is left nil keeps the server's default.
	Options StreamOptions
	// StreamReplace, when not empty, replaces the name of the stream in every schema.
	StreamReplace string
}

// PlayEvent asks to play a stream. It also tells [StreamNotFoundHook] of the player that found none.
type PlayEvent struct {
	Stream  StreamKey
	Session Session
}

// StreamEvent speaks of a stream as a whole.
type StreamEvent struct {
	Stream StreamKey
	// Schema is the one whose reader count changed last; one that the stream has if nobody ever watched it.
	Schema string
	// Params is the raw query of the publisher's URL.
	Params string
}

// RTSPRealmEvent asks for the realm of a stream.
type RTSPRealmEvent struct {
	Stream  StreamKey
	Session Session
}

// RTSPAuthEvent asks for the password of an RTSP user.
type RTSPAuthEvent struct {
	Stream  StreamKey
	Session Session
	// UserName is the name the client gave.
	UserName string
	// MustNoEncrypt says that the client uses Basic authentication, so that the plain password is needed.
	MustNoEncrypt bool
	// Realm is what OnRTSPRealm returned.
	Realm string
}

// RTSPAuthReply is the secret of an RTSP user.
type RTSPAuthReply struct {
	// Encrypted says that Password is the hexadecimal MD5 of "user:realm:password" (HA1 of RFC 2617, 3.2.2.2).
	Encrypted bool
	Password  string
}

// HTTPAccessEvent asks for a file or directory of the file server.
type HTTPAccessEvent struct {
	Session Session
	// Path is the normalised path of the URL.
	Path string
	// FilePath is the absolute path of the file.
	FilePath string
	IsDir    bool
	// Header is the header of the request. It must not be changed.
	Header http.Header
}

// HTTPAccessReply is the verdict on a file.
type HTTPAccessReply struct {
	// Err, when not empty, refuses: it is the text of the 401.
	Err string
	// Path is the top directory the verdict covers. Empty means the directory of the request.
	Path string
	// Valid is how long the verdict is remembered for this client. 0 means it is not remembered.
	Valid time.Duration
}

// ShellLoginEvent asks to log in to the telnet shell.
type ShellLoginEvent struct {
	Session  Session
	UserName string
	Password string
}

// StreamChangedEvent says that a stream appeared in a schema or disappeared from it.
type StreamChangedEvent struct {
	Stream StreamKey
	// Schema is the kind of source, such as rtmp or rtsp. It is empty for a stream that no protocol serves.
	Schema string
	// Registered is true when the stream appeared.
	Registered bool
	// Source describes the stream at the time of the event. When the stream disappeared it holds Params only.
	Source Source
}

// Source describes one schema of a live stream: the API's MediaSource.
type Source struct {
	// Params is the raw query of the publisher's URL.
	Params string
	// Created is when the stream was registered; Alive is for how long it has been.
	Created time.Time
	Alive   time.Duration
	// BytesSpeed is what the publisher sends, in bytes a second; TotalBytes is what it has sent.
	BytesSpeed int64
	TotalBytes uint64
	// Readers counts the readers of this schema, TotalReaders those of all schemas.
	Readers      int
	TotalReaders int
	Origin       Origin
	// OriginURL is the URL the publisher used, or the one that is pulled.
	OriginURL string
	// OriginSession is the publisher's session; its ID is empty if there is none.
	OriginSession  Session
	IsRecordingMP4 bool
	IsRecordingHLS bool
	Tracks         []TrackInfo
}

// TrackInfo describes one track of a stream and what has passed through it.
type TrackInfo struct {
	// CodecID and Codec are the API's codec_id and codec_id_name, such as 0 and H264.
	CodecID int
	Codec   string
	Video   bool
	// Ready says that the parameters of the codec are known.
	Ready  bool
	Frames uint64
	// Duration is the media time that has passed.
	Duration time.Duration

	// SampleRate in Hz, Channels and SampleBits are those of an audio track.
	SampleRate int
	Channels   int
	SampleBits int

	// Width and Height in pixels, and what follows, are those of a video track.
	Width     int
	Height    int
	FPS       float64
	KeyFrames uint64
	// GOPSize is the number of frames from one key frame to the next, GOPInterval the time.
	GOPSize     int
	GOPInterval time.Duration

	// Loss is the share of packets lost on the way in, in per cent; -1 when it is not known.
	Loss float64
}

// FlowReportEvent says what a publisher or player moved, when it left.
type FlowReportEvent struct {
	Stream  StreamKey
	Session Session
	// TotalBytes is what was received from a publisher or sent to a player.
	TotalBytes uint64
	Duration   time.Duration
	// Player is true for a player, false for a publisher.
	Player bool
}

// RecordEvent describes a finished recording or segment.
type RecordEvent struct {
	Stream StreamKey
	Params string
	// Start is when the recording began; Length is how long it plays.
	Start  time.Time
	Length time.Duration
	// FileSize is in bytes.
	FileSize int64
	// FilePath is absolute, FileName its last part, Folder the directory without the day.
	FilePath string
	FileName string
	Folder   string
	// URL is the path to play it from, relative and without a leading slash.
	URL string
}

// ServerStartedEvent holds the whole configuration, flat: "section.key" to value. It contains the API secret.
type ServerStartedEvent struct {
	Config map[string]string
}

// ServerKeepaliveEvent holds the object counts of the API's getStatistic.
type ServerKeepaliveEvent struct {
	Statistic map[string]int64
}

// ServerExitedEvent says that the server ends.
type ServerExitedEvent struct{}

// SendRTPStoppedEvent says that an RTP sender ended by itself.
type SendRTPStoppedEvent struct {
	Stream    StreamKey
	Params    string
	SSRC      string
	Origin    Origin
	OriginURL string
	// Err is 1 end of stream, 2 timeout, 3 refused, 4 reset, 5 DNS, 6 shutdown, 255 other; Msg is its text.
	Err int
	Msg string
}

// RTPServerTimeoutEvent says that an RTP receiver was removed for want of data.
type RTPServerTimeoutEvent struct {
	Stream    StreamKey
	LocalPort int
	StreamID  string
	TCPMode   int
	ReusePort bool
	SSRC      uint32
}
