package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/hook/httphook"
)

// hookConfig is the part of the configuration that web hooks act on.
func hookConfig(cfg *config.Config, log *slog.Logger) httphook.Config {
	c := httphook.Config{
		URLs:        map[string]string{},
		ServerID:    cfg.String("general.mediaServerId"),
		Timeout:     cfg.Duration("hook.timeoutSec"),
		Retries:     cfg.Int("hook.retry"),
		RetryDelay:  max(cfg.Duration("hook.retry_delay"), time.Nanosecond),
		AdminParams: cfg.String("hook.admin_params"),
		Schemas:     schemas(cfg.String("hook.stream_changed_schemas")),
		Key:         []byte(cfg.String("hook.sign_key")),
		InsecureTLS: !cfg.Bool("hook.tls_verify"),
		Outbox:      cfg.String("hook.outbox"),
		OutboxLimit: int64(cfg.Int("hook.outbox_mb")) << 20,
		Logger:      log,
	}
	if c.Retries == 0 {
		c.Retries = -1
	}
	if cfg.Bool("hook.enable") {
		for _, event := range httphook.Events() {
			c.URLs[event] = cfg.String("hook." + event)
		}
	}
	if !cfg.Bool("hls.broadcastRecordTs") {
		delete(c.URLs, "on_record_ts")
	}
	return c
}

// schemas are the parts of a list such as "rtsp / rtmp".
func schemas(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == '/' || c == ' ' })
}

// keepAlive tells the hooks now and then that the server lives, until ctx ends.
func (s *server) keepAlive(ctx context.Context) {
	every := s.cfg.Duration("hook.alive_interval")
	if every <= 0 {
		return
	}
	ticker := time.NewTicker(max(every, 100*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.media.Keepalive(api.Statistic(s.media))
		case <-ctx.Done():
			return
		}
	}
}
