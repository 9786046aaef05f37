package relay

import (
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// PushRequest asks to publish a stream to another server.
type PushRequest struct {
	// Stream is what is read. An empty VHost means hook.DefaultVHost.
	Stream media.StreamKey
	// Schema is the one that it is read in. Empty means that of the URL.
	Schema string
	// Key names the push. Empty means Stream.String(), a space and URL.
	Key string
	// URL is where it goes to, user and password in it if need be: by RTSP, by RTMP, or by HTTP as the body of a POST, see web.Push.
	URL string
	// Transport is how RTSP carries media.
	Transport rtsp.Transport

	Retry
}
