// Package amf reads and writes AMF0 and reads AMF3, the value formats of RTMP commands and FLV metadata.
//
// It exists because the readers at hand recurse as deep as their input says: every depth, count and length is
// bounded here. AMF0 is Adobe's "Action Message Format -- AMF 0" (2007), AMF3 the same of 2013.
package amf

import (
	"errors"
	"time"
)

// Bounds of one message.
const (
	// MaxDepth is how deep values may nest.
	MaxDepth = 16
	// MaxNodes is how many values a message may hold.
	MaxNodes = 1000
)

// ErrInvalid is matched by every error of this package.
var ErrInvalid = errors.New("amf: invalid data")

// Undefined is the value undefined.
type Undefined struct{}

// Date is a point in time; its time zone is of no meaning.
type Date struct{ time.Time }

// Property is a member of an object.
type Property struct {
	Key   string
	Value any
}

// Object is an object of named members, in their order.
type Object []Property

// Get returns the first member of a name.
func (o Object) Get(key string) (any, bool) {
	for _, p := range o {
		if p.Key == key {
			return p.Value, true
		}
	}
	return nil, false
}

// String returns a member that is a string, or "".
func (o Object) String(key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

// Number returns a member that is a number, or 0.
func (o Object) Number(key string) float64 {
	v, _ := o.Get(key)
	f, _ := v.(float64)
	return f
}

// ECMAArray is an object that was sent as an associative array.
type ECMAArray Object

// Get returns the first member of a name.
func (a ECMAArray) Get(key string) (any, bool) { return Object(a).Get(key) }

// StrictArray is an array.
type StrictArray []any

// Members returns what an Object or ECMAArray holds, or nil.
func Members(v any) Object {
	switch v := v.(type) {
	case Object:
		return v
	case ECMAArray:
		return Object(v)
	}
	return nil
}
