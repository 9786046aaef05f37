package relay

import (
	"cmp"
	"context"
	"fmt"

	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

// Push begins to push, and returns when the first attempt has ended, as [Relay.Pull] does.
func (r *Relay) Push(ctx context.Context, q PushRequest) error {
	q.Stream = q.Stream.Canonical()
	try, err := r.pusher(q)
	if err != nil {
		return err
	}
	j := r.newJob("push", cmp.Or(q.Key, q.Stream.String()+" "+q.URL), q.Stream, q.URL, q.Retry, try)
	if err := r.begin(r.pushes, j); err != nil { //nolint:contextcheck // it outlives the call
		j.cancel(err)
		return err
	}
	return j.await(ctx)
}

// StopPush ends a push, and reports whether there was one.
func (r *Relay) StopPush(key string) bool { return r.cancel(r.pushes, key) }

// Pushes lists the pushes, in the order of their keys.
func (r *Relay) Pushes() []Status { return r.list(r.pushes) }

// pusher returns what pushes to a URL once.
func (r *Relay) pusher(q PushRequest) (attempt, error) {
	u, err := parse(q.URL, "", "")
	if err != nil {
		return nil, err
	}
	retry := q.withDefaults()
	switch u.Scheme {
	case "rtsp", "rtsps":
		cfg := r.cfg.RTSP
		cfg.Transport, cfg.KeepAlive = q.Transport, q.KeepAlive
		cfg.DialTimeout, cfg.Dial = retry.Timeout, r.dialer("")
		return func(ctx context.Context, playing func(*media.Session)) error {
			cfg := cfg
			cfg.OnPlaying = playing
			return rtsp.Push(ctx, r.media, q.Stream, u.String(), cfg)
		}, nil
	case "rtmp", "rtmps":
		cfg := r.cfg.RTMP
		cfg.DialTimeout, cfg.Dial = retry.Timeout, r.dialer("")
		return func(ctx context.Context, playing func(*media.Session)) error {
			cfg := cfg
			cfg.OnPlaying = playing
			return rtmp.Push(ctx, r.media, q.Stream, u.String(), cfg)
		}, nil
	case "http", "https":
		cfg := r.cfg.HTTP
		cfg.DialTimeout, cfg.Dial = retry.Timeout, r.dialer("")
		return func(ctx context.Context, playing func(*media.Session)) error {
			cfg := cfg
			cfg.OnPlaying = playing
			return web.Push(ctx, r.media, q.Stream, u.String(), cfg)
		}, nil
	}
	return nil, fmt.Errorf("%w: %.100s", ErrScheme, redact.URL(q.URL))
}
