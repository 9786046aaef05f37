package httphook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/redact"
)

// Config of a [Hook]. The zero value sends nothing.
type Config struct {
	// URLs says where to post each event, by its name, such as "on_publish". They are http or https and may have a
	// query and a user. What has no URL is not sent. See [Events].
	URLs map[string]string
	// ServerID is the mediaServerId of each body.
	ServerID string

	// Timeout bounds one attempt, from the connection to the last byte of the reply. 0 means 10 s.
	Timeout time.Duration
	// Retries is how often an attempt that failed is repeated. 0 means once, -1 never.
	Retries int
	// RetryDelay is the pause before that. 0 means 3 s.
	RetryDelay time.Duration

	// AdminParams, if not empty, is the query (without the question mark) whose bearer publishes, plays and reads
	// files without that the backend is asked, and who appears in no flow report.
	AdminParams string
	// Schemas are those whose on_stream_changed is sent. None means all.
	Schemas []string

	// Key, if not empty, signs each request; see [Verify].
	Key []byte
	// InsecureTLS accepts any certificate of the backend, as ZLMediaKit does.
	InsecureTLS bool
	// Transport carries the requests. Nil means one that belongs to the hook, speaks HTTP/1.1 and uses no proxy.
	Transport http.RoundTripper
	// UserAgent is the header of that name. Empty means Sluice.
	UserAgent string

	// Outbox, if not empty, is a directory in which observations are kept until the backend has accepted them, also
	// across restarts: at least once each, those of one event in order. on_server_keepalive is not kept, as it is
	// true only when it is sent. One process at a time may use the directory. [Hook.SetConfig] cannot change it.
	Outbox string
	// OutboxLimit bounds what is kept of each event, in bytes. 0 means 16 MiB; the least is 1 MiB. Beyond it the
	// oldest is dropped, which is logged.
	OutboxLimit int64

	// Logger takes what fails. Nil discards it.
	Logger *slog.Logger
}

// Events returns the names of all events, sorted.
func Events() []string {
	return []string{
		"on_flow_report", "on_http_access", "on_play", "on_publish", "on_record_mp4", "on_record_ts",
		"on_rtp_server_timeout", "on_rtsp_auth", "on_rtsp_realm", "on_send_rtp_stopped", "on_server_exited",
		"on_server_keepalive", "on_server_started", "on_shell_login", "on_stream_changed", "on_stream_none_reader",
		"on_stream_not_found",
	}
}

// MaxWait is the longest that a decision can take: all attempts and the pauses between them. media.Config.HookTimeout
// should be no less.
func (c Config) MaxWait() time.Duration {
	c = c.withDefaults()
	retries := float64(c.Retries)
	wait := float64(c.Timeout)*(1+retries) + float64(c.RetryDelay)*retries
	return time.Duration(min(wait, 1<<62)) // 146 years: more would be less than nothing
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	switch c.Retries {
	case 0:
		c.Retries = 1
	case -1:
		c.Retries = 0
	}
	if c.RetryDelay == 0 {
		c.RetryDelay = 3 * time.Second
	}
	if c.UserAgent == "" {
		c.UserAgent = "Sluice"
	}
	if c.OutboxLimit == 0 {
		c.OutboxLimit = 16 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) check() error {
	if c.Timeout < 0 || c.RetryDelay < 0 || c.Retries < -1 || c.Retries > 100 {
		return errors.New("httphook: a Config.Timeout, RetryDelay or Retries out of range")
	}
	if c.OutboxLimit != 0 && c.OutboxLimit < 1<<20 {
		return errors.New("httphook: a Config.OutboxLimit of less than 1 MiB")
	}
	for event, address := range c.URLs {
		if !slices.Contains(Events(), event) {
			return fmt.Errorf("httphook: there is no event %q", event)
		}
		if err := checkURL(address); address != "" && err != nil {
			return fmt.Errorf("httphook: the URL of %s: %w", event, err)
		}
	}
	return nil
}

func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil { // it repeats the URL, and what it takes for a port may be of a password
		return fmt.Errorf("%.200q is no URL", redact.URL(address))
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("it must begin with http:// or https:// and a host")
	}
	return nil
}
