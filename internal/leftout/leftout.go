// Package leftout says why something of what a peer sends is left out: each reason once, and not many.
package leftout

import (
	"errors"
	"slices"
	"sync"
)

// maxReasons bounds how many are kept.
const maxReasons = 8

// Reasons are those that were said. Their methods may be called from any goroutine.
type Reasons struct {
	warn func(error)

	mu   sync.Mutex
	list []string
	over bool
}

// New returns none yet. Each new one is told to warn, in the end that there are more.
func New(warn func(error)) *Reasons { return &Reasons{warn: warn} }

// Add adds a reason, unless it was said.
func (r *Reasons) Add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := err.Error()
	switch {
	case r.over || slices.Contains(r.list, why):
		return
	case len(r.list) == maxReasons:
		r.over = true
		err = errors.New("there are more reasons to leave something out, which are not said any more")
	default:
		r.list = append(r.list, why)
	}
	r.warn(err)
}

// List returns the reasons, oldest first.
func (r *Reasons) List() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}
