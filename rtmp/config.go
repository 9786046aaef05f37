package rtmp

import (
	"crypto/tls"
	"errors"
	"fmt"
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

// withDefaults fills in what is not set, and names all that is negative.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	for _, t := range []struct {
		name      string
		is        *time.Duration
		otherwise time.Duration
	}{
		{"HandshakeTimeout", &c.HandshakeTimeout, defaultHandshakeTimeout},
		{"IdleTimeout", &c.IdleTimeout, defaultIdleTimeout},
		{"WriteTimeout", &c.WriteTimeout, defaultWriteTimeout},
	} {
		if *t.is < 0 {
			errs = append(errs, fmt.Errorf("rtmp: Config.%s of %v is negative", t.name, *t.is))
		}
		if *t.is == 0 {
			*t.is = t.otherwise
		}
	}
	return c, errors.Join(errs...)
}
