package fanout

import (
	"fmt"
	"runtime/debug"
)

// PanicError ends a feed when something that its owner supplied has panicked.
type PanicError struct {
	// Value is what it panicked with.
	Value any
	// Stack is that of the goroutine.
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("fanout: panic: %v", e.Value) }

// Catch turns a panic into an error. It is to be deferred.
func Catch(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{r, debug.Stack()}
	}
}
