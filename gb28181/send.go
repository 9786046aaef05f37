package gb28181

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// SendMode is how a sender finds its peer.
type SendMode int

const (
	// Dial sends to Host and Port.
	Dial SendMode = iota
	// Listen waits for the peer on a port of this machine.
	Listen
	// Talk sends back to where Receive comes from, by the same connection.
	Talk
)

// Payload is what the RTP packets carry.
type Payload int

// What RTP packets carry: MPEG-PS, MPEG-TS, or the elementary stream of one track.
const (
	PayloadPS Payload = iota
	PayloadTS
	PayloadES
)

// SendRequest asks to send a stream.
type SendRequest struct {
	// Stream is what is sent. An empty VHost means hook.DefaultVHost.
	Stream media.StreamKey
	Mode   SendMode
	// SSRC names the sender among those of the stream.
	SSRC uint32
	// Shared allows more senders of the same SSRC. Otherwise a new one takes the place of the old.
	Shared bool
	// Host and Port are the peer's, for Dial.
	Host string
	Port int
	// UDP sends datagrams instead of over TCP (RFC 4571).
	UDP bool
	// LocalPort is that of this machine. 0 means any.
	LocalPort int
	Payload   Payload
	// PayloadType is that of the RTP packets. Nil means 96.
	PayloadType *uint8
	AudioOnly   bool
	// Receive, unless it is zero, is a stream that is received on the same socket; of Talk it is the one to answer. Who sends it is
	// admitted like the sender of a port.
	Receive media.StreamKey
	// NeedReports ends a UDP sender that gets no RTCP report for 30 s.
	NeedReports bool
	// ConnectTimeout is how long to wait for the TCP connection, or with Listen for the peer. 0 means 5 s.
	ConnectTimeout time.Duration
	// Recording sends a recording of that name if there is no such stream.
	Recording bool
	// BackPressure would slow the publisher down to what the peer takes. There is none yet: it is refused.
	BackPressure bool
}

// SenderStatus is a sender at present.
type SenderStatus struct {
	SSRC uint32
	// BytesPerSecond at present, and TotalBytes since the beginning, are those that were sent.
	BytesPerSecond, TotalBytes uint64
}
