package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/relay"
	"github.com/sluice-media/sluice/rtmp"
)

// relayConfig is the part of the configuration that relays act on.
func (s *server) relayConfig(cfg *config.Config) relay.Config {
	templates := map[string]string{}
	for key, value := range cfg.All() {
		if strings.HasPrefix(key, "ffmpeg.cmd") {
			templates[key] = value
		}
	}
	return relay.Config{
		Allow: s.allowAddr,
		RTMP:  rtmp.ClientConfig{LegacyCodecs: !cfg.Bool("rtmp.enhanced")},
		FFmpeg: relay.FFmpegConfig{
			Path: cfg.String("ffmpeg.bin"), Template: cfg.String("ffmpeg.cmd"), Templates: templates, Snapshot: cfg.String("ffmpeg.snap"),
			Local: s.localStream, Record: s.recordRelay,
		},
	}
}

// beEdge makes the server an edge of the origins that are configured. Without any it only answers edges.
func (s *server) beEdge() error {
	var origins []string
	for o := range strings.SplitSeq(s.cfg.String("cluster.origin_url"), ";") {
		if o = strings.TrimSpace(o); o != "" {
			origins = append(origins, o)
		}
	}
	retries := s.cfg.Int("cluster.retry_count")
	switch { // less than 0 is for ever there, and never in relay.Retry
	case retries < 0:
		retries = 0
	case retries == 0:
		retries = -1
	}
	_, err := s.relay.Edge(relay.EdgeConfig{Origins: origins, Timeout: s.cfg.Duration("cluster.timeout_sec"), MaxRetries: retries})
	if err != nil {
		return fmt.Errorf("cluster.origin_url: %w", err)
	}
	return nil
}

// localStream says which stream of this server a URL is.
func (s *server) localStream(u *url.URL) (media.StreamKey, bool) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"rtmp": "1935", "rtsp": "554"}[u.Scheme]
	}
	if !s.isOwn(u.Hostname()) {
		return media.StreamKey{}, false
	}
	for _, l := range s.listeners {
		_, own, err := net.SplitHostPort(l.Addr().String())
		if err == nil && own == port && l.scheme == u.Scheme {
			app, name, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
			return media.StreamKey{App: app, Name: name}.Canonical(), app != "" && name != ""
		}
	}
	return media.StreamKey{}, false
}

// allowAddr is the policy by which relays connect. To the API and the shell of this server none does: on a request from this machine they
// act without the secret. That the stream of a pull is not made of itself is the relay's to see.
func (s *server) allowAddr(addr netip.AddrPort) error {
	if err := relay.AllowAddr(addr); err != nil {
		return err
	}
	for _, l := range s.listeners {
		own, ok := l.Addr().(*net.TCPAddr)
		if ok && own.AddrPort().Port() == addr.Port() && slices.Contains([]string{"http", "https", "rtp", "telnet"}, l.scheme) && isOwnIP(addr.Addr()) {
			return fmt.Errorf("%w: %v is this server's own, for %s", relay.ErrAddress, addr, l.scheme)
		}
	}
	return nil
}

// isOwn reports whether a host of a URL is this machine.
func (s *server) isOwn(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && isOwnIP(ip)
}

// isOwnIP reports whether an address is one of this machine.
func isOwnIP(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == ip {
			return true
		}
	}
	return false
}

// recordRelay records what an ffmpeg publishes.
func (s *server) recordRelay(key media.StreamKey, hls, mp4 bool) (errs error) {
	for kind, on := range map[record.Kind]bool{record.HLS: hls, record.MP4: mp4} {
		if on {
			errs = errors.Join(errs, s.recorder.Start(context.Background(), record.Request{Stream: key, Kind: kind}))
		}
	}
	return errs
}
