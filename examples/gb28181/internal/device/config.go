// Package device is a camera of GB/T 28181 for tests: it registers, says that it is there, tells its channels, and sends MPEG-PS
// when it is invited. It can misbehave.
package device

import (
	"time"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// Config of a Device.
type Config struct {
	// ID and Password are those of the device.
	ID, Password string
	// Server is the address of the platform, ServerID and Realm what it is called.
	Server, ServerID, Realm string
	// TCP has SIP over TCP.
	TCP bool
	// Channels are its cameras.
	Channels []manscdp.Item
	// UTF8 writes messages in UTF-8, not in GB2312.
	UTF8 bool
	// Clip is what all channels send, over and over.
	Clip *Clip
	// Speed is how many times faster than in real time. 0 means 1.
	Speed float64
	// Keepalive is how often the device says that it is there. 0 means 60 s.
	Keepalive time.Duration

	// Mute has it say nothing after it has registered.
	Mute bool
	// OtherSSRC has it send with another SSRC than it was asked for, and say so in its answer.
	OtherSSRC bool
	// Lies has it send with another SSRC than its answer says.
	Lies bool
	// Refuses has it answer INVITE with 486.
	Refuses bool
	// Silent has it accept INVITE and send nothing.
	Silent bool
	// Ignores has it not answer to INVITE.
	Ignores bool
}
