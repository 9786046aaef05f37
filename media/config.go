package media

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// Config of a [Server]. The zero value works. New copies it and never writes to it.
type Config struct {
	// Hooks are values that implement interfaces of package hook.
	Hooks []hook.Hook
	// Logger gets what is worth knowing. Nil discards it.
	Logger *slog.Logger
	// HookTimeout bounds each decision and each observation. 0 means 10 s.
	HookTimeout time.Duration
	// PlayWait is how long a player waits for a stream that is not there. 0 means 15 s, less than 0 not at all.
	PlayWait time.Duration
	// NoneReaderDelay is how long a stream must be unwatched before OnStreamNoneReader is asked. 0 means 20 s.
	NoneReaderDelay time.Duration
	// FlowThreshold is the number of bytes from which on a publisher or player is reported to OnFlowReport.
	// 0 reports all.
	FlowThreshold uint64
	// Options are the defaults of all streams. What is nil has the default of config.ini's [protocol], such as
	// 15 s of ContinuePush.
	Options hook.StreamOptions
	// LogBytes bounds what a stream keeps of its packets, and for each format that is read of its chunks.
	// 0 means 16 MiB.
	LogBytes int
	// MergeWrite is how long chunks may wait to be written together. 0 writes picture by picture.
	MergeWrite time.Duration
	// StallTimeout ends a player that does not take the chunk under way, which it keeps in memory, within so long. 0
	// means 60 s, less than 0 never.
	StallTimeout time.Duration
	// MaxConnections and MaxConnectionsPerAddress bound how many connections may be open at a time, of all listeners
	// that [Server.Limit] has: those of the protocol servers, and those of the host that it has given there. One that is
	// too many takes the place of the oldest that nobody uses yet. 0 means any number.
	MaxConnections           int
	MaxConnectionsPerAddress int
}

const (
	defaultHookTimeout     = 10 * time.Second
	defaultPlayWait        = 15 * time.Second
	defaultNoneReaderDelay = 20 * time.Second
	defaultContinuePush    = 15 * time.Second
	defaultLogBytes        = 16 << 20
	defaultStallTimeout    = time.Minute
)

// withDefaults returns c with what is zero filled in, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if err := c.check(); err != nil {
		return c, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	fill(&c.HookTimeout, defaultHookTimeout)
	fill(&c.PlayWait, defaultPlayWait)
	fill(&c.NoneReaderDelay, defaultNoneReaderDelay)
	fill(&c.StallTimeout, defaultStallTimeout)
	fill(&c.LogBytes, defaultLogBytes)
	c.Options = c.Options.Merge(defaultOptions())
	return c, nil
}

// check returns all that is wrong with c, but for its options.
func (c *Config) check() error {
	var errs []error
	for _, f := range []struct {
		name     string
		negative bool
	}{
		{"HookTimeout", c.HookTimeout < 0},
		{"NoneReaderDelay", c.NoneReaderDelay < 0},
		{"MergeWrite", c.MergeWrite < 0},
		{"LogBytes", c.LogBytes < 0},
		{"MaxConnections", c.MaxConnections < 0},
		{"MaxConnectionsPerAddress", c.MaxConnectionsPerAddress < 0},
	} {
		if f.negative {
			errs = append(errs, fmt.Errorf("media: Config.%s is negative", f.name))
		}
	}
	if c.MergeWrite > 10*time.Second {
		errs = append(errs, fmt.Errorf("media: Config.MergeWrite of %v is over 10 s", c.MergeWrite))
	}
	return errors.Join(append(errs, checkOptions(&c.Options))...)
}

func fill[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// defaultOptions are those of config.ini's [protocol], as far as the core acts on them.
func defaultOptions() hook.StreamOptions {
	return hook.StreamOptions{
		ModifyStamp:   new(2),
		EnableAudio:   new(true),
		AddMuteAudio:  new(false),
		AutoClose:     new(false),
		ContinuePush:  new(defaultContinuePush),
		EnableHLS:     new(true),
		EnableHLSFMP4: new(false),
		EnableMP4:     new(false),
		EnableRTSP:    new(true),
		EnableRTMP:    new(true),
		EnableTS:      new(true),
		EnableFMP4:    new(true),
	}
}

// serves reports whether a stream with options o is served in a schema.
func serves(o *hook.StreamOptions, schema string) bool {
	var enabled *bool
	switch schema {
	case "rtmp":
		enabled = o.EnableRTMP
	case "rtsp", "rtc":
		enabled = o.EnableRTSP
	case "ts":
		enabled = o.EnableTS
	case "fmp4":
		enabled = o.EnableFMP4
	case "hls":
		enabled = o.EnableHLS
	case "hls.fmp4":
		enabled = o.EnableHLSFMP4
	}
	return enabled == nil || *enabled
}
