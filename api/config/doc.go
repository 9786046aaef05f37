// Package config is the configuration of a complete server: config.ini with the keys of ZLMediaKit.
//
// The reader is our own: it bounds what it reads, keeps comments and unknown keys for writing back, and says
// of each mistake in which line it is. Embedders need none of this; the packages take Go structs.
package config

import "time"

// Type is the form of a value.
type Type int

// The types of values. A path, URL or other list is a String.
const (
	String Type = iota
	Bool        // 0 or 1, also true and false
	Int
	Uint
	Float     // not negative
	Port      // 0..65535; 0 switches the listener off
	PortRange // first-last, at least 36 ports
	IP        // IPv4 or IPv6
	IPRanges  // addresses, first-last and networks, separated by commas; may be empty
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
	case PortRange:
		return "a range of at least 36 ports, such as 30000-35000"
	case IP:
		return "an IP address"
	case IPRanges:
		return "IP addresses, ranges such as 10.0.0.0-10.0.0.255 and networks such as 10.0.0.0/8, separated by commas"
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
	// Min and Max bound a number; if both are 0 only its type does.
	Min, Max float64
	// NoEffect says that the setting is only kept: the part that will act on it is not there yet, or it is never needed.
	// Comment says so too.
	NoEffect bool
}

// Restart reports whether a new value takes effect at the next start only, in ZLMediaKit as here: what says
// where to listen, and how what runs beside the streams is set up. The other settings may change while the server runs.
func (k Key) Restart() bool {
	switch k.Name {
	case "general.listen_ip", "hook.alive_interval", "hook.outbox", "hook.outbox_mb":
		return true
	}
	return k.Type == Port
}
