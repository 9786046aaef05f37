// Package wire reads and writes what goes over an RTSP connection: requests, responses and interleaved frames
// (RFC 2326). Everything is bounded before memory is taken.
package wire

import "errors"

// The bounds of a message.
const (
	MaxHeader  = 8 << 10  // bytes of the first line and all header lines
	MaxFields  = 64       // header lines
	MaxBody    = 64 << 10 // bytes; it may come from a client that nobody has let in
	maxGarbage = 64 << 10 // bytes passed over in a row that belong to nothing
)

var (
	// ErrMalformed says that a message is broken, so that nothing after it can be trusted.
	ErrMalformed = errors.New("rtsp: malformed message")
	// ErrTooBig says that a message is over the bounds.
	ErrTooBig = errors.New("rtsp: message too big")
)
