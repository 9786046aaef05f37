// Package wire holds the load generator's own clients: RTMP, HTTP-FLV, WS-FLV and RTSP players that read just enough of
// each protocol to play a stream and to notice when its bytes are wrong, and publishers for RTMP and RTSP.
//
// It deliberately shares no code with the servers it measures, so that one mistake cannot hide on both sides.
package wire

import (
	"errors"
	"fmt"
	"io"
	"net/url"
)

// ErrMalformed is wrapped by every error that says the server sent bytes its protocol does not allow.
var ErrMalformed = errors.New("malformed")

// ErrEnd says that the server ended the stream in an orderly way.
var ErrEnd = errors.New("wire: the server ended the stream")

// Message types that carry media, the same in FLV tags (FLV 10.1, annex E.4.1) and in RTMP messages (RTMP 1.0, section 7.1).
const (
	TypeAudio  = 8
	TypeVideo  = 9
	TypeScript = 18
)

// maxBody bounds one message: no picture of a test stream comes near it.
const maxBody = 8 << 20

// Message is one FLV tag or RTMP message.
type Message struct {
	Type uint8  // TypeAudio, TypeVideo or TypeScript
	Time uint32 // decoding time in milliseconds
	Body []byte // valid until the next call of Next
}

// Source yields the media messages of a stream in their order on the wire. It is used by one goroutine.
type Source interface {
	// Next returns the next media message. It wraps ErrMalformed when the bytes are wrong, ErrEnd when the server
	// ended the stream, and the connection's error otherwise.
	Next() (Message, error)
}

// Play asks for the stream at u over the connected rw and returns once the server has agreed to send it.
//
// proto is one of "rtmp", "flv" (HTTP-FLV), "ws" (WS-FLV), "ts" (HTTP-TS), "fmp4" (HTTP-fMP4), "rtsp" (RTSP with
// interleaved media) and "raw" (the server sends at once, nothing is asked or parsed). RTSP over UDP needs more than one connection: see PlayRTSP.
func Play(proto string, rw io.ReadWriter, u *url.URL) (Source, error) {
	switch proto {
	case "rtmp":
		return PlayRTMP(rw, u)
	case "flv":
		return PlayHTTP(rw, u)
	case "ws":
		return PlayWS(rw, u)
	case "rtsp":
		return PlayRTSP(rw, u, nil)
	case "ts":
		return PlayTS(rw, u)
	case "fmp4":
		return PlayFMP4(rw, u)
	case "raw":
		return rawSource{rw}, nil
	}
	return nil, fmt.Errorf("wire: unknown protocol %q", proto)
}

// rawSource hands bytes on without a look at them.
type rawSource struct{ r io.Reader }

func (s rawSource) Next() (Message, error) {
	b := make([]byte, 64<<10)
	n, err := s.r.Read(b)
	return Message{Body: b[:n]}, err
}

// malformed makes an error that wraps ErrMalformed.
func malformed(format string, args ...any) error {
	return fmt.Errorf("wire: %w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
