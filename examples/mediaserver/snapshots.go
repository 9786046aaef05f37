package main

import (
	"io"
	"net/http"
	"os"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/relay"
)

// maxDefaultSnapshot bounds the picture that is shown while there is no other, in bytes.
const maxDefaultSnapshot = 4 << 20

// defaultSnapshot reads the picture that is shown while there is no other; nil if there is none. It need not be there.
func (s *server) defaultSnapshot(cfg *config.Config) *relay.Snapshot {
	path := cfg.String("api.defaultSnap")
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		s.log.Debug("no picture for who asks for a snapshot", "key", "api.defaultSnap", "err", err)
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxDefaultSnapshot+1))
	if err != nil || len(data) > maxDefaultSnapshot {
		s.log.Warn("no picture for who asks for a snapshot", "key", "api.defaultSnap", "path", path, "bytes", info.Size(), "err", err)
		return nil
	}
	return &relay.Snapshot{ContentType: http.DetectContentType(data), Data: data, Taken: info.ModTime()}
}
