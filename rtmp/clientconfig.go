package rtmp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// ClientConfig of [Pull] and [Push]. The zero value works.
type ClientConfig struct {
	// TLSConfig is for rtmps URLs.
	TLSConfig *tls.Config
	// DialTimeout bounds connecting, and each request. 0 means 10 s.
	DialTimeout time.Duration
	// IdleTimeout ends a pull that gets no media for so long, or a quarter longer. 0 means 15 s. A push whose server takes none ends as other
	// players that do not read.
	IdleTimeout time.Duration
	// Dial opens connections. Nil means a net.Dialer's; a host can keep addresses away here.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// LegacyCodecs pushes H.265 and Opus by the numbers that were in use before Enhanced RTMP, to servers that drop it, such as nginx with
	// version 1.2.2 of its RTMP module.
	LegacyCodecs bool
	// Options of the stream that is pulled go before the server's. ContinuePush is how long it waits when the other side
	// has dropped it; it does not when ctx has ended.
	Options hook.StreamOptions
	// OnPlaying, if it is not nil, is called once with the session of the connection: by Pull when the tracks of the stream are known, so
	// that it can be watched (x.Publisher().Stream()), and by Push when the server takes it (x.Player().Stream()). It is called on a
	// goroutine of its own, which Pull and Push wait for.
	OnPlaying func(x *media.Session)
}

const (
	defaultDialTimeout = 10 * time.Second
	defaultClientIdle  = 15 * time.Second
)

func (c ClientConfig) withDefaults() ClientConfig {
	if c.DialTimeout == 0 {
		c.DialTimeout = defaultDialTimeout
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultClientIdle
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

// StatusError is what [Pull] and [Push] return when the server refuses a command, or ends what it has begun.
type StatusError struct {
	Command     string // such as "play"
	Code        string // such as "NetStream.Play.StreamNotFound"
	Description string
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("rtmp: %s was answered with %.100s: %.200s", e.Command, e.Code, e.Description)
}
