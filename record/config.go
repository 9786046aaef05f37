package record

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Config configures a [Recorder]. The zero value is usable.
type Config struct {
	// Dir is where recordings are, below it App: for streams whose options have no MP4SavePath. Recordings by HLS are not below App, but where
	// live HLS is in a URL: Dir/live/NAME/2026-11-27/15/vod.m3u8. It is for one recorder; what another process writes there is left alone. It remembers other directories, in a hidden
	// file, so that what a crash leaves there is finished, too. The default is "www".
	Dir string
	// App is the directory below Dir, and the app by whose streams recordings are played. The default is "record".
	App string
	// MaxDuration is how long a file is, about, of streams whose options say nothing of it. The default is an hour.
	MaxDuration time.Duration
	// SegmentDuration is how long a segment of a recording by HLS is at least, up to 10 s: it ends in front of the next key frame. The default
	// is 2 s.
	SegmentDuration time.Duration
	// KeepHLS records the streams by HLS that can be watched so, and by HLS with fragmented MP4 those that can be watched by that.
	KeepHLS bool
	// Fragmented leaves MP4 recordings as they are written, as those of kind FMP4 are.
	Fragmented bool
	// Sync writes each fragment through to the disk, and each line of a playlist, so that a power cut loses no more than a crash does: one
	// second at most. Without, it loses what the system had not written yet.
	Sync bool
	// FinishRate is how many bytes a second are read at most to make closed recordings ordinary files, so that live streams have
	// the disk. The default is 64 MiB; a negative rate is none.
	FinishRate int64
	// Repeat begins a recording that a viewer plays again at its end, for ever.
	Repeat bool
	// NoPlayback leaves it to the host who plays recordings: their streams are not found.
	NoPlayback bool
	// DownloadsPerAddress is how many files the Library makes at a time for downloads of one address, of 64 in all; of IPv6 the first 64 bits of
	// an address count. Who has a proxy in front that is no TrustedProxy of package web has one address. The default is 16; a negative number is
	// no limit.
	DownloadsPerAddress int
	// MaxAge and MaxBytes are how old a file of App may become since it was written, and how large all are together: the oldest are deleted
	// then, but none that is being played or written, or that the Store has not taken yet. 0 keeps all. Only what lies in the
	// directory of a day counts and is deleted: clips, which are to outlive the hours around them, and recordings by HLS are kept, for the host
	// to delete.
	MaxAge   time.Duration
	MaxBytes int64
	// Store takes finished files away, such as to an object store: MP4 and MPEG-TS, not HLS, and not what was finished without one. Nil
	// leaves them where they are. DeleteStored removes a file when the store has it. The observers of OnRecordMP4 are told at the same time as
	// the Store, so for them the file may be gone already: what is to be done with it is better done by the Store.
	Store        Store
	DeleteStored bool
	// Notify is told what happens to recordings. A recording waits for it. It may be called
	// from several goroutines. Nil is nobody.
	Notify func(Event)
}

// Event is what happens to a recording.
type Event struct {
	Stream media.StreamKey
	Kind   Kind
	// What has happened.
	What What
	// Path is the file that it is about, if there is one.
	Path string
	// Err is why, of Failed and Stalled.
	Err error
	// Lost is how many packets of the stream are missing, of Resumed.
	Lost uint64
}

// What happens to recordings.
type What int

const (
	// Failed says that a file could not be written, once until it is Resumed: the recording goes on in a new one as soon as that can.
	Failed What = iota
	// Stalled says that the disk has not taken something for five seconds.
	Stalled
	// Resumed says that the recording has gone on, in a new file, after it had Failed or lost something.
	Resumed
)

// String returns the word for w.
func (w What) String() string {
	return [...]string{"failed", "stalled", "resumed"}[w]
}

const (
	defaultDir         = "www"
	defaultApp         = "record"
	defaultMaxDuration = time.Hour
	defaultFinishRate  = 64 << 20
	defaultSegment     = 2 * time.Second
	defaultDownloads   = 16
)

var (
	// ErrClosed says that the recorder was closed.
	ErrClosed = errors.New("record: the recorder is closed")
	// ErrBadPath says that a stream or a request would lead out of the directory of recordings.
	ErrBadPath = errors.New("record: the path leads out of the directory of recordings")
	// ErrUnsupported says that a recording cannot be of that kind.
	ErrUnsupported = errors.New("record: this kind of recording is not supported")
	// ErrInUse says that another recorder, as of another process, records the stream by HLS to the same directory.
	ErrInUse = errors.New("record: another recorder writes the playlist of the hour")
	// ErrNothing says that the stream has no track that a recording of the kind can carry.
	ErrNothing = errors.New("record: no track that can be recorded")

	errApp      = errors.New("record: Config.App is to be a name of one part")
	errKeep     = errors.New("record: Config.MaxAge or MaxBytes is negative")
	errDuration = errors.New("record: Config.MaxDuration or SegmentDuration is negative, or SegmentDuration over 10 s")
)

// withDefaults returns the configuration with what is not said in it.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		c.Dir = defaultDir
	}
	if c.App == "" {
		c.App = defaultApp
	}
	if c.MaxDuration == 0 {
		c.MaxDuration = defaultMaxDuration
	}
	if c.SegmentDuration == 0 {
		c.SegmentDuration = defaultSegment
	}
	if c.FinishRate == 0 {
		c.FinishRate = defaultFinishRate
	}
	if c.DownloadsPerAddress == 0 {
		c.DownloadsPerAddress = defaultDownloads
	}
	if c.App != filepath.Base(c.App) || !filepath.IsLocal(c.App) || c.App == "." {
		return c, errApp
	}
	if c.MaxAge < 0 || c.MaxBytes < 0 {
		return c, errKeep
	}
	if c.MaxDuration < 0 || c.SegmentDuration < 0 || c.SegmentDuration > longestSegment {
		return c, errDuration
	}
	dir, err := filepath.Abs(c.Dir)
	c.Dir = dir
	return c, err
}
