package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/api/metrics"
	"github.com/sluice-media/sluice/api/shell"
)

// apiOptions is the part of the configuration that the API acts on.
func (s *server) apiOptions(cfg *config.Config) api.Options {
	return api.Options{
		Secret:              cfg.String("api.secret"),
		LoopbackNeedsSecret: !cfg.Bool("api.trustLoopback"),
		AllowIP:             config.IPFilter(cfg.String("http.allow_ip_range")),
		ForwardedIPHeader:   cfg.String("http.forwarded_ip_header"),
		TrustedProxy:        trustedProxy(cfg),
		EnableVHost:         cfg.Bool("general.enableVhost"),
		NoCORS:              !cfg.Bool("http.allow_cross_domains"),
		CharSet:             cfg.String("http.charSet"),
		MaxBody:             min(int64(cfg.Int("http.maxReqSize")), 1<<20),
		Debug:               cfg.Bool("api.apiDebug"),
		NotFound:            s.streams,
		Config:              settings{s},
		Restart:             s.askRestart,
		Parts: api.Parts{
			Relay: s.relay, FFmpeg: s.relay, Recorder: s.recorder, Library: s.recorder.Library(), Files: s.recorder,
			Receiver: s.rtp, Sender: s.rtp,
			Downloads: split(cfg.String("api.downloadRoot"), ";"), Snapshots: s.relay, DefaultSnapshot: s.defaultSnapshot(cfg),
		},
	}
}

// trustedProxy tells proxies that are believed from other peers. An empty list has none of them.
func trustedProxy(cfg *config.Config) func(netip.Addr) bool {
	return config.IPFilter(cfg.String("http.trusted_proxies"))
}

// shellConfig is the part of the configuration that the shell acts on.
func shellConfig(cfg *config.Config) shell.Config {
	return shell.Config{Secret: cfg.String("api.secret"), MaxLine: min(cfg.Int("shell.maxReqSize"), 64<<10)}
}

// metrics shows the figures of the server to who may call the API.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	h, err := metrics.NewHandler(s.media, metrics.Config{
		MaxStreams: cmp.Or(s.store.Config().Int("api.metricStreams"), -1), Relays: s.relay, Receivers: s.rtp,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.api.Protect(h).ServeHTTP(w, r)
}

// apply makes a changed configuration hold, as far as it can while the server runs.
func (s *server) apply(cfg *config.Config) error {
	rtspCfg, err := rtspConfig(cfg)
	if err != nil {
		return err
	}
	rtpCfg, err := rtpConfig(cfg)
	if err != nil {
		return err
	}
	filesCfg, err := filesConfig(cfg, s.recorder.Library())
	if err != nil {
		return err
	}
	if err := s.checkPorts(cfg, s.tls); err != nil {
		return err
	}
	// First what may refuse: then nothing of the change holds.
	if err := s.media.Reconfigure(mediaConfig(cfg, s.log)); err != nil {
		return err
	}
	if err := s.hook.SetConfig(hookConfig(cfg, s.log)); err != nil {
		return errors.Join(err, s.media.Reconfigure(mediaConfig(s.applied, s.log)))
	}
	s.tellChanged(cfg)
	rtmpCfg := rtmpConfig(cfg)
	s.streams.Reconfigure(s.webConfig(cfg))
	return errors.Join(
		s.files.Reconfigure(filesCfg), s.api.SetOptions(s.apiOptions(cfg)),
		s.rtmp.Reconfigure(rtmpCfg), s.rtmps.Reconfigure(rtmpCfg), s.rtsp.Reconfigure(rtspCfg), s.rtsps.Reconfigure(rtspCfg),
		s.shell.Reconfigure(shellConfig(cfg)), s.rtp.Reconfigure(rtpCfg),
	)
}

// tellChanged names the settings that have just changed and hold at the next start only, or not at all.
func (s *server) tellChanged(cfg *config.Config) {
	var later, never []string
	for _, k := range config.Keys() {
		value := cfg.String(k.Name)
		switch {
		case value == s.applied.String(k.Name):
		case k.NoEffect:
			never = append(never, k.Name)
		case (k.Restart() || fixed(k.Name)) && value != s.cfg.String(k.Name):
			later = append(later, k.Name)
		}
	}
	if len(later) > 0 {
		s.log.Info("configuration: these hold after a restart", "keys", strings.Join(later, " "))
	}
	if len(never) > 0 {
		s.log.Info("configuration: these have no effect in this version", "keys", strings.Join(never, " "))
	}
	s.applied = cfg
}

// tellUnchanged names the settings that somebody has asked to change and that do not: the reply of ZLMediaKit says nothing
// of them, and so does that here.
func (s *server) tellUnchanged(values map[string]string) {
	s.tellUnsafe(values)
	var unknown []string
	known := s.store.All()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, ok := known[key]; !ok && len(unknown) < mostTold {
			unknown = append(unknown, fmt.Sprintf("%.80q", key))
		}
	}
	if len(unknown) > 0 {
		s.log.Warn("configuration: there are no such keys, so they were not changed", "keys", strings.Join(unknown, " "))
	}
}

// mostTold is how many keys a line of the log names that anybody has thought up.
const mostTold = 20

// tellUnsafe names the settings that only the file changes.
func (s *server) tellUnsafe(values map[string]string) {
	var keys []string
	for _, k := range config.Keys() {
		if value, given := values[k.Name]; given && config.Unsafe(k.Name) && value != s.store.Config().String(k.Name) {
			keys = append(keys, k.Name)
		}
	}
	if len(keys) > 0 {
		s.log.Warn("configuration: these are not changed over the API, only in the file", "keys", strings.Join(keys, " "))
	}
}

// tellIdle names the settings that somebody has made for parts that are not there.
func (s *server) tellIdle(ctx context.Context) {
	var keys []string
	for _, k := range config.Keys() {
		value := s.cfg.String(k.Name)
		off := k.Type == config.Port && value == "0"
		if k.NoEffect && value != k.Default && !off {
			keys = append(keys, k.Name)
		}
	}
	if len(keys) > 0 {
		s.log.InfoContext(ctx, "configuration: these have no effect in this version", "keys", strings.Join(keys, " "))
	}
}

// fixed reports whether a setting, live in ZLMediaKit, is built into what runs here.
func fixed(key string) bool {
	if strings.HasPrefix(key, "ffmpeg.cmd") { // and others that are templates
		return true
	}
	switch key {
	case "ffmpeg.bin", "ffmpeg.snap", "rtmp.enhanced", "rtp.videoMtuSize", "http.keepAliveSecond",
		"record.appName", "record.enableFmp4", "record.fileRepeat", "hls.segKeep",
		"cluster.origin_url", "cluster.timeout_sec", "cluster.retry_count":
		return true
	}
	return false
}
