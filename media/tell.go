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

// RecordedMP4 tells the observers of a finished MP4 recording. Like all events of a stream they are told in order and
// in the background, and ev must not be changed afterwards. After the server has stopped nobody is told.
func (s *Server) RecordedMP4(ev *hook.RecordEvent) {
	for _, h := range s.hooks.recordMP4 {
		s.post(ev.Stream, "record_mp4", func(ctx context.Context) { h.OnRecordMP4(ctx, ev) })
	}
}

// RecordedTS tells the observers of a finished HLS segment, like [Server.RecordedMP4].
func (s *Server) RecordedTS(ev *hook.RecordEvent) {
	for _, h := range s.hooks.recordTS {
		s.post(ev.Stream, "record_ts", func(ctx context.Context) { h.OnRecordTS(ctx, ev) })
	}
}

// ObserversLag reports whether so much of a stream waits to be told that who can wait should, before there is more to tell of
// it: half of what is kept. What is more than all of that is dropped, the oldest first, and logged.
func (s *Server) ObserversLag(key StreamKey) bool { return s.events.lags(key.Canonical()) }

// SendRTPStopped tells the observers that an RTP sender ended by itself, like [Server.RecordedMP4].
func (s *Server) SendRTPStopped(ev *hook.SendRTPStoppedEvent) {
	for _, h := range s.hooks.sendRTPStopped {
		s.post(ev.Stream, "send_rtp_stopped", func(ctx context.Context) { h.OnSendRTPStopped(ctx, ev) })
	}
}

// RTPServerTimeout tells the observers that an RTP receiver was removed for want of data, like [Server.RecordedMP4].
func (s *Server) RTPServerTimeout(ev *hook.RTPServerTimeoutEvent) {
	for _, h := range s.hooks.rtpTimeout {
		s.post(ev.Stream, "rtp_server_timeout", func(ctx context.Context) { h.OnRTPServerTimeout(ctx, ev) })
	}
}

// post tells observers of a stream, in order with what else happens to it.
func (s *Server) post(key StreamKey, name string, tell func(context.Context)) {
	s.events.post(key.Canonical(), name, tell)
}

// postExited tells the observers that the server ends.
func (s *Server) postExited() {
	for _, h := range s.hooks.exited {
		s.events.post(StreamKey{}, "server_exited", func(ctx context.Context) {
			h.OnServerExited(ctx, &hook.ServerExitedEvent{})
		})
	}
}
