// Package config is the configuration of a complete server: config.ini with the keys of ZLMediaKit.
//
// The reader is our own: it bounds what it reads, keeps comments and unknown keys for writing back, and says
// of each mistake in which line it is. Embedders need none of this; the packages take Go structs.
package config

import "time"

// Type is the form of a value.
type Type int

// The types of values. A list or range is a String.
const (
	String Type = iota
	Bool        // 0 or 1, also true and false
	Int
	Uint
	Float
	Port // 0..65535; 0 switches the listener off
)

// String returns what is allowed, for messages.
func (t Type) String() string {
	switch t {
	case Bool:
		return "0 or 1"
	case Int:
		return "a whole number"
	case Uint:
		return "a whole number that is not negative"
	case Float:
		return "a number that is not negative"
	case Port:
		return "a port from 0 to 65535"
	default:
		return "text"
	}
}

// Key describes one setting.
type Key struct {
	// Name is section and key, such as "http.port".
	Name string
	Type Type
	// Default is the value as it stands in a file.
	Default string
	// Unit is that of a number which is a time; 0 for others.
	Unit time.Duration
	// Comment says in one line what the setting does.
	Comment string
}
