package cookbook

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// limited is a server with bounds on connections, also on those of the host's own HTTP server.
func limited(ln net.Listener, h http.Handler) (*media.Server, func() error, error) {
	m, err := media.New(media.Config{MaxConnections: 10_000, MaxConnectionsPerAddress: 100})
	if err != nil {
		return nil, nil, err
	}
	service := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return m, func() error { return service.Serve(m.Limit(ln)) }, nil
}

// viewerLimit admits so many viewers to a stream.
type viewerLimit struct {
	media *media.Server
	most  int
}

var _ hook.PlayHook = (*viewerLimit)(nil)

func (l *viewerLimit) OnPlay(_ context.Context, ev *hook.PlayEvent) error {
	st, ok := l.media.Stream(ev.Stream)
	if !ok {
		return nil
	}
	if _, viewers := st.Readers(""); viewers >= l.most {
		return hook.Deny(1, "the house is full")
	}
	return nil
}
