package gb28181

import (
	"errors"

	"github.com/sluice-media/sluice/media"
)

var (
	// ErrExists is what is answered when the stream has a port already.
	ErrExists = errors.New("gb28181: the stream has a port")
	// ErrNotFound is what is answered when the stream has none.
	ErrNotFound = errors.New("gb28181: the stream has no port")
)

// Mode says what a port takes.
type Mode int

const (
	// UDP takes datagrams. The other modes take them as well.
	UDP Mode = iota
	// TCPPassive listens for a TCP connection (RFC 4571).
	TCPPassive
	// TCPActive dials the sender, once it is told to.
	TCPActive
)

// Tracks says which tracks of a sender are taken.
type Tracks int

// What is taken of a sender.
const (
	AllTracks Tracks = iota
	AudioOnly
	VideoOnly
)

// Request asks for a port.
type Request struct {
	// Stream is what is published. An empty VHost means hook.DefaultVHost.
	Stream media.StreamKey
	// Port is that of RTP; RTCP has the next one. 0 means any even port of the configured range.
	Port int
	// LocalIP is the address to listen on. Empty means the configured one.
	LocalIP string
	Mode    Mode
	// ReusePort lets others of this process have the same port.
	ReusePort bool
	// SSRC, if it is not 0, is the only one that is taken.
	SSRC   uint32
	Tracks Tracks
	// Multiplex takes many senders on the port. Each is a stream of its own in the app of Stream, named by its SSRC.
	Multiplex bool
}

// Port is one that is open. It does not change.
type Port struct {
	Stream media.StreamKey
	// Number is that of RTP.
	Number int
	Mode   Mode
}

// PortStatus is an open port at present.
type PortStatus struct {
	Port
	SSRC   uint32
	Tracks Tracks
}
