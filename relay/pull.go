package relay

import (
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// PullRequest asks to pull a stream from another server.
type PullRequest struct {
	// Stream is what the pull publishes. An empty VHost means hook.DefaultVHost.
	Stream media.StreamKey
	// Key names the pull. Empty means Stream.String(), which has the virtual host: "__defaultVhost__/camera/door".
	Key string
	// URL is where it comes from, user and password in it if need be.
	URL string
	// User and Password, if User is not empty, go before those of the URL.
	User, Password string
	// Format is what an HTTP URL delivers: "flv", "ts" or "hls". A Relay need not be told: the first bytes tell it.
	Format string
	// Transport is how RTSP carries media.
	Transport rtsp.Transport
	// LocalAddr is the address of this machine to dial from. Empty means any.
	LocalAddr string
	// Speed of an RTSP server's recording, from 1/32 to 32. 0 means 1. Other protocols have none.
	Speed float64
	// Options go before the server's.
	Options hook.StreamOptions

	Retry
}

// Retry says how something is supervised. The zero value tries again for ever once it has worked.
type Retry struct {
	// Force tries again although the first attempt has failed.
	Force bool
	// MaxRetries is how often to try again after a success, which counts anew with each: with media that goes on for 10 s, so that a server
	// that takes everybody in and hangs up at once is none, and is tried later and later, too. 0 means for ever, less than 0 never, as a
	// recording wants it that is not to begin again at its end.
	MaxRetries int
	// Timeout bounds an attempt until media comes. 0 means 10 s. Less than the other server waits for a publisher (that of this module 15 s,
	// see media.Config.PlayWait) it ends before that server has said that it does not have the stream; of this server itself that is known.
	Timeout time.Duration
	// MediaTimeout ends what gets no media for so long. 0 means 5 s.
	MediaTimeout time.Duration
	// KeepAlive is the time between two signs of life to a peer by RTSP. 0 means what the peer asks for.
	KeepAlive time.Duration
}
