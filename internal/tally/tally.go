// Package tally counts what runs.
package tally

import "sync"

// Tally is like a sync.WaitGroup to which may be added at any time, also while somebody waits. The zero value
// counts none.
type Tally struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0; nil while nobody waits
}

// Add counts one more.
func (t *Tally) Add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

// Done counts one less.
func (t *Tally) Done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.n == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// Go runs fn on a goroutine that counts.
func (t *Tally) Go(fn func()) {
	t.Add()
	go func() {
		defer t.Done()
		fn()
	}()
}

// Wait waits until there is a moment at which none runs.
func (t *Tally) Wait() {
	for idle := t.begin(); idle != nil; idle = t.begin() {
		<-idle
	}
}

func (t *Tally) begin() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		return nil
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	return t.idle
}
