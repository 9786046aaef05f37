package relay

import "time"

// FFmpegRequest asks for an ffmpeg that reads a source and publishes it.
type FFmpegRequest struct {
	// Key names it. Empty means Destination.
	Key string
	// Source is what ffmpeg reads, by http, https, rtsp, rtmp, rtmps, srt, udp or rtp, and never a file; Destination where it publishes, by
	// rtmp, rtmps, rtsp, rtsps or srt: normally this server.
	Source, Destination string
	// Timeout is how long to wait until the destination is there. 0 means 10 s.
	Timeout time.Duration
	// Template names the command line, of those that the relay is configured with. Empty means its default.
	Template string
	// RecordHLS and RecordMP4 record what comes, once it is there.
	RecordHLS, RecordMP4 bool
}

// FFmpegStatus is an ffmpeg that is supervised.
type FFmpegStatus struct {
	Key, Source, Destination string
	Template                 string
	// Command is how it was started, for people to read.
	Command string
}
