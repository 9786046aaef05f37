package relay

import "errors"

var (
	// ErrExists is what is answered when something with the same key runs already.
	ErrExists = errors.New("relay: the key is taken")
	// ErrNotFound is what is answered of a stream that no pull makes.
	ErrNotFound = errors.New("relay: no such pull")
)
