package shell

import (
	"errors"
	"time"
)

// ErrServerClosed is returned by Serve and the like once Shutdown or Close has begun.
var ErrServerClosed = errors.New("shell: server closed")

// Config of a [Server]. The zero value works, but lets in only whom a hook admits.
type Config struct {
	// Name is that of the server, in the prompts. Empty means "sluice".
	Name string
	// Secret is the password of every user while no hook decides about logins. Empty means that nobody gets in then.
	Secret string
	// MaxLine ends a session that sends so many bytes without an end of line. 0 means 1024; more than 64 KiB it
	// cannot be.
	MaxLine int
	// LoginTimeout bounds the time from the connection until the user is logged in, however often he tries. 0 means
	// 1 minute.
	LoginTimeout time.Duration
	// IdleTimeout bounds the time for each line after that. 0 means 5 minutes.
	IdleTimeout time.Duration
}

const (
	defaultMaxLine      = 1024
	largestLine         = 64 << 10
	defaultLoginTimeout = time.Minute
	defaultIdleTimeout  = 5 * time.Minute

	// writeTimeout bounds the answer to a peer that does not read.
	writeTimeout = 10 * time.Second
	// wrongPause is what a wrong secret costs who guesses.
	wrongPause = time.Second
)

func (c Config) withDefaults() (Config, error) {
	if c.MaxLine < 0 || c.MaxLine > largestLine || c.LoginTimeout < 0 || c.IdleTimeout < 0 {
		return c, errors.New("shell: Config.MaxLine is negative or over 64 KiB, or a timeout is negative")
	}
	if c.Name == "" {
		c.Name = "sluice"
	}
	if c.MaxLine == 0 {
		c.MaxLine = defaultMaxLine
	}
	if c.LoginTimeout == 0 {
		c.LoginTimeout = defaultLoginTimeout
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	return c, nil
}
