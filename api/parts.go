package api

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/relay"
)

// Parts are what the endpoints control beyond streams and sessions, in the terms of packages relay, record and gb28181.
// One value may be several of them. While one is nil its endpoints check their arguments and are not enabled. The
// methods of a part may be called from any goroutine, and end with ctx. An error of type *[Error] chooses the code of
// the reply; any other has the code that the original gives in such a case, most often -1.
type Parts struct {
	Relay     Relay
	FFmpeg    FFmpeg
	Snapshots Snapshots
	Recorder  Recorder
	Library   Library
	Files     Files
	Receiver  Receiver
	Sender    Sender

	// DefaultSnapshot is what getSnap shows when there is no picture. Nil means an error.
	DefaultSnapshot *relay.Snapshot
	// Downloads are the directories whose files downloadFile gives to whoever may call, and to others if a hook.HTTPAccessHook lets
	// them have it. Without one it is not enabled.
	Downloads []string
}

// Relay pulls streams from other servers and pushes them to others: addStreamProxy, addStreamPusherProxy and what goes
// with them.
type Relay interface {
	// Pull begins to pull, and returns when the first attempt has ended, with its error unless the request is to try
	// again all the same. It returns relay.ErrExists if there is a pull of that key.
	Pull(ctx context.Context, r relay.PullRequest) error
	// StopPull ends a pull, and reports whether there was one.
	StopPull(key string) bool
	// Pulls lists them.
	Pulls() []relay.Status
	// Push begins to push, and returns as Pull does.
	Push(ctx context.Context, r relay.PushRequest) error
	// StopPush ends a push, and reports whether there was one.
	StopPush(key string) bool
	// Pushes lists them.
	Pushes() []relay.Status
	// Playback controls what is pulled from a recording. It returns relay.ErrNotFound of a stream that no pull makes.
	Playback
}

// Playback controls a stream that comes from a recording, for all who watch it: setRecordSpeed, seekRecordStamp,
// setStreamSpeed, pauseStream, seekStream.
type Playback interface {
	Pause(ctx context.Context, key media.StreamKey) error
	Seek(ctx context.Context, key media.StreamKey, at time.Duration) error
	// SetSpeed plays so much faster than in real time, also after a Pause.
	SetSpeed(ctx context.Context, key media.StreamKey, speed float64) error
}

// FFmpeg is ffmpeg programs that pull and publish: addFFmpegSource, delFFmpegSource, listFFmpegSource.
type FFmpeg interface {
	// RunFFmpeg starts one, and returns once it delivers. It returns relay.ErrExists if there is one of that key.
	RunFFmpeg(ctx context.Context, r relay.FFmpegRequest) error
	// StopFFmpeg ends one, and reports whether there was one.
	StopFFmpeg(key string) bool
	// FFmpegs lists them.
	FFmpegs() []relay.FFmpegStatus
}

// Snapshots takes pictures: getSnap, deleteSnapDirectory.
type Snapshots interface {
	// Snapshot returns a picture, at worst an older one than was asked for.
	Snapshot(ctx context.Context, r relay.SnapshotRequest) (*relay.Snapshot, error)
	// DeleteSnapshots deletes the pictures of a stream, or the one of a name.
	DeleteSnapshots(ctx context.Context, key media.StreamKey, name string) error
}

// Recorder records streams: startRecord, stopRecord, isRecording, startRecordTask.
type Recorder interface {
	// Start begins to record. Of what is recorded already it changes nothing.
	Start(ctx context.Context, r record.Request) error
	// Stop ends a recording. It is no error if there was none.
	Stop(ctx context.Context, key media.StreamKey, kind record.Kind) error
	// Recording reports whether a stream is recorded.
	Recording(key media.StreamKey, kind record.Kind) bool
	// Clip writes a file, and returns its absolute path.
	Clip(ctx context.Context, r record.ClipRequest) (path string, err error)
}

// Library is what was recorded: getMp4RecordFile, deleteRecordDirectory.
type Library interface {
	// List lists files or days. It is no error if there are none.
	List(ctx context.Context, q record.Query) (record.Listing, error)
	// Delete deletes what a query finds, or the file of that name in it. It returns the directory, or the path of the file, and
	// how many files there were.
	Delete(ctx context.Context, q record.Query, name string) (path string, deleted int, err error)
}

// Files plays files as streams: loadMP4File, setRecordSpeed, seekRecordStamp.
type Files interface {
	// Load begins to play, and returns how long the files play once.
	Load(ctx context.Context, r record.LoadRequest) (time.Duration, error)
	Playback
}

// Receiver receives RTP on ports of its own: openRtpServer and what goes with it. A stream that it does not have is
// gb28181.ErrNotFound.
type Receiver interface {
	// Open opens a port. It returns gb28181.ErrExists if the stream has one.
	Open(ctx context.Context, r gb28181.Request) (*gb28181.Port, error)
	// ClosePort closes the port of a stream, and reports whether it had one.
	ClosePort(key media.StreamKey) bool
	// Ports lists them.
	Ports() []gb28181.PortStatus
	// Peer is what feeds a stream; false if nothing does.
	Peer(key media.StreamKey) (hook.Session, bool)
	// Connect dials the sender, for gb28181.TCPActive.
	Connect(ctx context.Context, key media.StreamKey, host string, port int) error
	// SetSSRC changes the one that is taken.
	SetSSRC(ctx context.Context, key media.StreamKey, ssrc uint32) error
	// SuspendTimeout keeps a port open for so long although nothing comes; 0 ends that.
	SuspendTimeout(key media.StreamKey, d time.Duration) error
}

// Sender sends streams as RTP: startSendRtp and what goes with it.
type Sender interface {
	// Send begins to send, and returns the local port.
	Send(ctx context.Context, r gb28181.SendRequest) (port int, err error)
	// StopSend ends the senders of these SSRCs, or all of the stream if there are none given, and returns how many.
	StopSend(key media.StreamKey, ssrcs ...uint32) int
	// Senders lists those of a stream.
	Senders(key media.StreamKey) []gb28181.SenderStatus
}
