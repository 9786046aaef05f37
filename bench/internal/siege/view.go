package siege

import (
	"context"
	"net"
	"net/url"
	"time"

	"github.com/sluice-media/sluice/bench/internal/watch"
	"github.com/sluice-media/sluice/bench/internal/wire"
)

// viewLimit is how long an honest viewer waits.
const viewLimit = 10 * time.Second

// view plays by RTMP until the first key frame has come, and returns how long that took from the connection on.
func view(ctx context.Context, c *Config) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithDeadline(ctx, began.Add(viewLimit))
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.RTMP)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(began.Add(viewLimit)); err != nil {
		return 0, err
	}
	source, err := wire.PlayRTMP(conn, &url.URL{Scheme: "rtmp", Host: c.RTMP, Path: c.Stream})
	if err != nil {
		return 0, err
	}
	var w watch.Watcher
	for w.FirstKey().IsZero() {
		m, err := source.Next()
		if err != nil {
			return 0, err
		}
		if err := w.Message(m, time.Now()); err != nil {
			return 0, err
		}
	}
	return w.FirstKey().Sub(began), nil
}
