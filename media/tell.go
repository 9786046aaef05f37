package media

import (
	"context"

	"github.com/sluice-media/sluice/hook"
)

// Started tells the observers that the server serves, once its owner has wired it. config is the whole configuration,
// flat, with the API secret; nil for a server without.
func (s *Server) Started(config map[string]string) {
	ev := &hook.ServerStartedEvent{Config: config}
	for _, h := range s.hooks.started {
		s.events.post(StreamKey{}, "server_started", func(ctx context.Context) { h.OnServerStarted(ctx, ev) })
	}
}

// Keepalive tells the observers that the server lives. Its owner calls it periodically.
func (s *Server) Keepalive(statistic map[string]int64) {
	ev := &hook.ServerKeepaliveEvent{Statistic: statistic}
	for _, h := range s.hooks.keepalive {
		s.events.post(StreamKey{}, "server_keepalive", func(ctx context.Context) { h.OnServerKeepalive(ctx, ev) })
	}
}

// postExited tells the observers that the server ends.
func (s *Server) postExited() {
	for _, h := range s.hooks.exited {
		s.events.post(StreamKey{}, "server_exited", func(ctx context.Context) {
			h.OnServerExited(ctx, &hook.ServerExitedEvent{})
		})
	}
}
