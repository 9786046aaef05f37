package relay

import (
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/media"
)

var (
	// ErrExists is what is answered when something with the same key runs already.
	ErrExists = errors.New("relay: the key is taken")
	// ErrNotFound is what is answered of a stream that no pull makes.
	ErrNotFound = errors.New("relay: no such pull")
	// ErrClosed says that the relay was closed.
	ErrClosed = errors.New("relay: closed")
	// ErrRemoved is why a pull or a push ends that was stopped, and the stream of a pull for which nothing is tried any more.
	ErrRemoved = errors.New("relay: removed")
	// ErrTooMany says that there are Config.Max of them already.
	ErrTooMany = errors.New("relay: too many")
	// ErrScheme says that a URL is of no protocol that can be pulled, or pushed.
	ErrScheme = errors.New("relay: the protocol is not supported")
	// ErrAddress is matched when an address may not be dialed.
	ErrAddress = errors.New("relay: the address is not allowed")
	// ErrLoop says that a pull would get what is made of its own stream.
	ErrLoop = errors.New("relay: the stream would be made of itself")
	// ErrNoControl says that a pull is of a protocol in which a server cannot be told where and how fast to play.
	ErrNoControl = errors.New("relay: only pulls by RTSP can be paused, sought and sped up")

	errTimeout = errors.New("relay: no media came in time")
	errAbsent  = fmt.Errorf("relay: no such stream, which this server itself was asked for: %w", media.ErrStreamNotFound)
)
