// Package platform is a platform of GB/T 28181: the SIP server that cameras register with, which knows what channels they have
// and asks them for pictures while somebody watches.
package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

// Receiver receives what devices send. It is a *gb28181.Server.
type Receiver interface {
	// Open opens a port for a stream.
	Open(ctx context.Context, r gb28181.Request) (*gb28181.Port, error)
	// ClosePort closes it, and reports whether there was one.
	ClosePort(key media.StreamKey) bool
	// Connect dials the sender, for gb28181.TCPActive.
	Connect(ctx context.Context, key media.StreamKey, host string, port int) error
	// SetSSRC changes the SSRC that is taken.
	SetSSRC(ctx context.Context, key media.StreamKey, ssrc uint32) error
}

// Config of a Platform. New copies it.
type Config struct {
	// ID is that of the platform, of 20 digits. Empty means 34020000002000000001.
	ID string
	// Realm is its domain, also for the digests of passwords. Empty means the first ten digits of the ID.
	Realm string
	// Password returns the password of a device; known is false of one that may not register. It is called by many goroutines.
	Password func(device string) (password string, known bool)
	// Mode is how media come: by UDP, over TCP that the device dials, or over TCP that the platform dials.
	Mode gb28181.Mode
	// MediaIP is the address that devices are to send to. The zero value means the one of this machine from which the device is
	// reached.
	MediaIP netip.Addr
	// App is that of the streams. Empty means rtp.
	App string
	// Keepalive is how often devices are to say that they are there; who has missed three is offline. 0 means 60 s.
	Keepalive time.Duration
	// AnswerTimeout is how long a device has to answer. 0 means 10 s.
	AnswerTimeout time.Duration
	// MediaTimeout is how long it then has to send something. 0 means 15 s.
	MediaTimeout time.Duration
	// NonceLifetime is how long a challenge is good. 0 means a minute.
	NonceLifetime time.Duration
	// MaxDevices, MaxChannels of a device and MaxCalls at a time are bounds. 0 means 1024.
	MaxDevices, MaxChannels, MaxCalls int
	// Logger gets what is worth knowing. Nil discards it.
	Logger *slog.Logger
}

// maxCalls is fewer than there are SSRCs in a domain.
const maxCalls = 9000

// missed is how many keep-alives a device may miss.
const missed = 3

// complete returns the configuration with its defaults.
func (c Config) complete() (Config, error) {
	if c.ID == "" {
		c.ID = "34020000002000000001"
	}
	if c.Realm == "" {
		c.Realm = c.ID[:min(len(c.ID), 10)]
	}
	if !manscdp.ValidID(c.ID) || !manscdp.ValidID(c.Realm) {
		return c, fmt.Errorf("platform: Config: ID %q or Realm %q is none", c.ID, c.Realm)
	}
	if c.Password == nil {
		return c, errors.New("platform: Config: Password is nil")
	}
	if c.App == "" {
		c.App = "rtp"
	}
	for value, usual := range map[*time.Duration]time.Duration{
		&c.Keepalive: time.Minute, &c.AnswerTimeout: 10 * time.Second, &c.MediaTimeout: 15 * time.Second,
	} {
		if *value <= 0 {
			*value = usual
		}
	}
	if c.MaxCalls > maxCalls {
		return c, fmt.Errorf("platform: Config: MaxCalls is more than %d", maxCalls)
	}
	for _, value := range []*int{&c.MaxDevices, &c.MaxChannels, &c.MaxCalls} {
		if *value <= 0 {
			*value = 1024
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
