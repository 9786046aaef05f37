package httphook

import (
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/sluice-media/sluice/internal/redact"
)

// The ways in which an answer can fail to count, as [Error.Class].
const (
	ClassNetwork = "network err"
	ClassStatus  = "bad http status code"
	ClassBody    = "parse json failed"
	ClassCode    = "json code"
)

// Error is why the answer of a backend does not count.
type Error struct {
	Class string
	Err   error
}

// Error returns the class and the cause, in the form of ZLMediaKit and without what may be secret in a URL.
func (e *Error) Error() string { return "[" + e.Class + "]:" + redact.Text(e.Err.Error()) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// PeerText is what the peer of a refused session is told. It does not say where the backend is.
func (e *Error) PeerText() string {
	if e.Class != ClassNetwork {
		return e.Error()
	}
	if isTimeout(e.Err) {
		return "[" + e.Class + "]:the hook timed out"
	}
	return "[" + e.Class + "]:the hook cannot be reached"
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && n.Timeout()
}

// networkError is an error of an HTTP client without the URL, in which there may be a secret.
func networkError(err error) *Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return &Error{ClassNetwork, err}
}
