package relay

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

// Pull begins to pull, and returns once media comes and can be watched, or with the error of the first attempt; with Retry.Force it returns
// nil when that has failed, and goes on. From then on [Relay.Pulls] says what the pull is at. Pull returns [ErrExists] if there is a pull of
// that key, [ErrScheme], [ErrAddress], [ErrLoop] if what it gets is made of its own stream, [ErrTooMany] or [ErrClosed], and what matches
// media.ErrStreamNotFound if it is asked for what this server itself does not have. If ctx ends before it returns, so does the pull; afterwards
// ctx means nothing: [Relay.StopPull] ends a pull, and so does whoever closes its stream.
func (r *Relay) Pull(ctx context.Context, q PullRequest) error {
	q.Stream = q.Stream.Canonical()
	if q.Stream.App == "" || q.Stream.Name == "" {
		return fmt.Errorf("relay: PullRequest.Stream: %w", media.ErrBadName)
	}
	dial := &calls{dial: r.dialer(q.LocalAddr)}
	try, control, err := r.puller(q, dial.connect)
	if err != nil {
		return err
	}
	j := r.newJob("pull", cmp.Or(q.Key, q.Stream.String()), q.Stream, q.URL, q.Retry, r.onceMediaComes(q.Stream, r.unlessLoop(q.Stream, try)))
	j.control, j.absent = control, func() bool { return r.asked(dial.end()) }
	if err := r.begin(r.pulls, j); err != nil { //nolint:contextcheck // it outlives the call
		j.cancel(err)
		return err
	}
	return j.await(ctx)
}

// StopPull ends a pull and its stream, and reports whether there was one. The key is that of [Status], see [PullRequest].
func (r *Relay) StopPull(key string) bool { return r.cancel(r.pulls, key) }

// Pulls lists the pulls, in the order of their keys.
func (r *Relay) Pulls() []Status { return r.list(r.pulls) }

// grace is how much longer a stream waits for its source than the next attempt does.
const grace = 30 * time.Second

// later is how much longer the clients wait than an attempt may last, so that one and the same says why it was too long.
const later = time.Second

// puller returns what pulls a URL once over connections of dial, and what controls that, if it can be.
func (r *Relay) puller(q PullRequest, dial outbound.Dialer) (attempt, *rtsp.Control, error) {
	u, err := parse(q.URL, q.User, q.Password)
	if err != nil {
		return nil, nil, err
	}
	retry := q.withDefaults()
	options := q.Options
	if options.ContinuePush == nil { // who watches stays until it is back
		options.ContinuePush = new(latest + step + retry.Timeout + grace)
	}
	switch u.Scheme {
	case "rtsp", "rtsps":
		cfg := r.cfg.RTSP
		cfg.Transport, cfg.Options, cfg.KeepAlive = q.Transport, options, q.KeepAlive
		cfg.Speed, cfg.Control = q.Speed, new(rtsp.Control)
		cfg.DialTimeout, cfg.IdleTimeout, cfg.Dial = retry.Timeout+later, retry.MediaTimeout, dial
		return func(ctx context.Context, playing func(*media.Session)) error {
			cfg := cfg
			cfg.OnPlaying = playing
			return rtsp.Pull(ctx, r.media, u.String(), q.Stream, cfg)
		}, cfg.Control, nil
	case "rtmp", "rtmps":
		cfg := r.cfg.RTMP
		cfg.Options = options
		cfg.DialTimeout, cfg.IdleTimeout, cfg.Dial = retry.Timeout+later, retry.MediaTimeout, dial
		return func(ctx context.Context, playing func(*media.Session)) error {
			cfg := cfg
			cfg.OnPlaying = playing
			return rtmp.Pull(ctx, r.media, u.String(), q.Stream, cfg)
		}, nil, nil
	case "http", "https", "ws", "wss":
		cfg := r.cfg.HTTP
		cfg.Options = options
		cfg.DialTimeout, cfg.IdleTimeout, cfg.Dial = retry.Timeout+later, retry.MediaTimeout, dial
		return func(ctx context.Context, playing func(*media.Session)) error {
			cfg := cfg
			cfg.OnPlaying = playing
			return web.Pull(ctx, r.media, u.String(), q.Stream, cfg)
		}, nil, nil
	}
	return nil, nil, fmt.Errorf("%w: %.100s", ErrScheme, redact.URL(q.URL))
}

// parse takes a URL apart, and puts a user into it.
func parse(raw, user, password string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" { // the error would repeat the password
		return nil, fmt.Errorf("%w: %.100q is no URL with a scheme and a host", ErrScheme, redact.URL(raw))
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u, nil
}
