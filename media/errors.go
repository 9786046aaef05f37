package media

import "errors"

var (
	// ErrServerClosed is returned once Shutdown or Close has begun.
	ErrServerClosed = errors.New("media: server closed")
	// ErrStreamExists refuses a second publisher on a live stream.
	ErrStreamExists = errors.New("media: stream exists")
	// ErrStreamNotFound is what a player gets whose stream did not come in time.
	ErrStreamNotFound = errors.New("media: stream not found")
	// ErrKicked ends a session that was kicked, or whose stream was.
	ErrKicked = errors.New("media: kicked")
	// ErrGaveWay ends a session whose connection gave way to another, see [Server.Limit].
	ErrGaveWay = errors.New("media: gave way to another connection")
	// ErrStalled ends a player whose peer took nothing for Config.StallTimeout.
	ErrStalled = errors.New("media: the peer does not read")
	// ErrNoReader ends a stream that was closed because nobody watched it.
	ErrNoReader = errors.New("media: nobody watches")
	// ErrHookFailed is wrapped by the error of a decision that no hook has made, because one failed or took too long.
	ErrHookFailed = errors.New("media: hook failed")
	// ErrBadTracks refuses tracks of which there are none, one is nil, two have the same ID, or one has a Config that begins
	// with a start code.
	ErrBadTracks = errors.New("media: bad tracks")
	// ErrUnknownTrack is what WritePacket answers to a packet of a track that SetTracks did not name.
	ErrUnknownTrack = errors.New("media: unknown track")
	// ErrPublisherClosed is what WritePacket answers after Close, or after another publisher has resumed.
	ErrPublisherClosed = errors.New("media: publisher closed")
	// ErrBadName refuses a stream without app or name, or with ones or a query (Params) over 8 KiB.
	ErrBadName = errors.New("media: bad stream name")
	// ErrBadOptions refuses a stream, or a Config, with options that are invalid.
	ErrBadOptions = errors.New("media: bad stream options")
	// ErrBeyondEnd refuses a seek behind the end of a [Source] that says how long it is.
	ErrBeyondEnd = errors.New("media: beyond the end of the source")
	// ErrReaderClosed is what ReadBatch answers after Close of its reader, or of the player it belongs to.
	ErrReaderClosed = errors.New("media: reader closed")
	// ErrTooSlow ends a player of policy Disconnect that has fallen out of the log.
	ErrTooSlow = errors.New("media: the peer reads too slowly")

	errHookTimeout = errors.New("media: the hook did not answer in time")
	errOpenerPanic = errors.New("media: the opener panicked")
	errHookPanic   = errors.New("media: the hook panicked")
)
