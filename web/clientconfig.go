package web

import (
	"cmp"
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
	// TLSConfig is for https URLs, also for those that the server redirects to: so a ServerName or a certificate in it is shown to all.
	TLSConfig *tls.Config
	// DialTimeout bounds connecting, and waiting for the reply, at each address that the server redirects to. 0 means 10 s.
	DialTimeout time.Duration
	// IdleTimeout ends a pull that gets no media for so long, or a quarter longer. 0 means 15 s.
	IdleTimeout time.Duration
	// Dial opens connections, also to where a server redirects to. Nil means a net.Dialer's; a host can keep addresses away here.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Options of the stream go before the server's. ContinuePush is how long it waits when the other side has dropped it; it
	// does not when ctx has ended.
	Options hook.StreamOptions
	// LegacyCodecs pushes H.265 and others by the numbers that players had for them before Enhanced RTMP, as Config.LegacyCodecs does.
	LegacyCodecs bool
	// OnPlaying, if it is not nil, is called once with the session of the connection: by Pull when the tracks of the stream are known, so
	// that it can be watched (x.Publisher().Stream()), and by Push when the server gets it (x.Player().Stream()). It is called on a
	// goroutine of its own, which Pull and Push wait for.
	OnPlaying func(x *media.Session)
}

func (c ClientConfig) withDefaults() ClientConfig {
	c.DialTimeout = cmp.Or(c.DialTimeout, 10*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 15*time.Second)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

// StatusError is what [Pull] returns when the server does not send the stream, and [Push] when it does not take it.
type StatusError struct {
	Code int    // of HTTP, such as 404
	Text string // such as "404 Not Found"
}

// Error implements error.
func (e *StatusError) Error() string { return fmt.Sprintf("web: the server answered %.100q", e.Text) }
