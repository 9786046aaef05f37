package main

import (
	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/media"
)

// limitConnections sets how many connections may be open: as many as configured, but no more than the descriptors that the
// process has leave room for. An address gets three quarters of all at most, so that nobody keeps the others out.
func limitConnections(m *media.Config, cfg *config.Config) {
	all, each := cfg.Int("general.maxConnections"), cfg.Int("general.maxConnectionsPerAddress")
	if files, err := raiseDescriptors(); err == nil && files > 0 {
		// The rest is for web hooks, files and UDP, of which the RTSP server gives 128 pairs to who has only asked for them.
		all = atMost(all, files-max(files/8, min(files/3, 512)))
	}
	if all > 0 && each > 0 {
		each = atMost(each, all-all/4)
	}
	m.MaxConnections, m.MaxConnectionsPerAddress = all, each
}

// atMost is n, of which 0 means any number, but no more than a bound of at least 1.
func atMost(n, bound int) int {
	bound = max(bound, 1)
	if n == 0 {
		return bound
	}
	return min(n, bound)
}

// logLimits says how many connections there may be, and why.
func (s *server) logLimits() {
	files, err := raiseDescriptors()
	if err != nil {
		s.log.Warn("the limit of open files is not known", "err", err)
	}
	m := mediaConfig(s.cfg, s.log)
	s.log.Info("limits", "open files", files, "connections", m.MaxConnections, "connections of one address", m.MaxConnectionsPerAddress)
}
