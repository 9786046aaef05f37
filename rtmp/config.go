package rtmp

import (
	"crypto/tls"
	"errors"
	"time"
)

// ErrServerClosed is returned by Serve and the like once Shutdown or Close has begun.
var ErrServerClosed = errors.New("rtmp: server closed")

// Config of a [Server]. The zero value works.
type Config struct {
	// TLSConfig makes the server speak RTMPS.
	TLSConfig *tls.Config
	// HandshakeTimeout bounds the time from the connection to its publish or play command. 0 means 10 s.
	HandshakeTimeout time.Duration
	// IdleTimeout ends a publisher that sends nothing for so long. 0 means 15 s.
	IdleTimeout time.Duration
	// WriteTimeout bounds a reply to a client that does not read. 0 means 10 s.
	WriteTimeout time.Duration
	// EnableVHost takes the virtual host from the client's URL. Without it every stream is of the default one.
	EnableVHost bool
	// LegacyCodecs sends H.265, AV1, VP8, VP9 and Opus by the numbers that were in use before Enhanced RTMP
	// gave them four letters.
	LegacyCodecs bool
}

const (
	defaultHandshakeTimeout = 10 * time.Second
	defaultIdleTimeout      = 15 * time.Second
	defaultWriteTimeout     = 10 * time.Second
)

func (c Config) withDefaults() (Config, error) {
	if c.HandshakeTimeout < 0 || c.IdleTimeout < 0 || c.WriteTimeout < 0 {
		return c, errors.New("rtmp: a negative timeout")
	}
	for _, d := range []struct {
		v         *time.Duration
		otherwise time.Duration
	}{
		{&c.HandshakeTimeout, defaultHandshakeTimeout},
		{&c.IdleTimeout, defaultIdleTimeout},
		{&c.WriteTimeout, defaultWriteTimeout},
	} {
		if *d.v == 0 {
			*d.v = d.otherwise
		}
	}
	return c, nil
}
