package hook

import (
	"errors"
	"fmt"
)

// DenyError is what a decision refuses with. Each protocol maps it to its own refusal, whatever the code: RTMP to
// NetStream.Publish.BadAuth or NetStream.Play.BadAuth, RTSP and HTTP to 401, WebSocket to a close frame with code 401.
type DenyError struct {
	// Code is free for the host service, and no status of a protocol: it stands in logs and in the text the peer gets.
	Code int
	// Reason is shown to the peer.
	Reason string
}

// Error returns the code and the reason, in the words of ZLMediaKit.
func (e *DenyError) Error() string {
	return fmt.Sprintf("[auth failed]: code:%d msg:%q", e.Code, e.Reason)
}

// Deny returns a *[DenyError]; code does not choose the status that the peer gets, see there. Any other error from a decision
// refuses too, but is logged as a failure of the hook, and the peer is told only what [PeerText] says, by RTSP and HTTP with 503, of files with 401.
func Deny(code int, reason string) error { return &DenyError{Code: code, Reason: reason} }

// Denied reports whether err is, or wraps, a [DenyError], and returns it.
func Denied(err error) (*DenyError, bool) {
	d, ok := errors.AsType[*DenyError](err)
	return d, ok
}

// ErrNotHandled is what a decision returns that leaves the event to others, as if the hook were not there: the next
// hook decides, or the default of the server. A hook that can be switched off while the server runs needs it.
var ErrNotHandled = errors.New("hook: not handled")

// PeerText is what the peer of a session is told that an error of a hook refuses: the text of a [DenyError], what an
// error with a method PeerText() string says itself, or for any other only that nobody could decide. Protocols use it.
func PeerText(err error) string {
	if d, ok := Denied(err); ok {
		return d.Error()
	}
	var teller interface{ PeerText() string }
	if errors.As(err, &teller) {
		return teller.PeerText()
	}
	return "the server could not decide"
}
