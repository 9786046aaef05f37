package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Store is a configuration that changes while a server runs: over the API. Its methods may be called from any
// goroutine.
type Store struct {
	path  string
	apply func(*Config) error

	mu  sync.Mutex
	cfg *Config // replaced, never changed
}

// NewStore returns a store of c, which must not be changed from then on. What changes is written to the file at path,
// unless that is empty. apply makes a changed configuration hold, before it is written; an error of it undoes the
// change. It may be nil.
func NewStore(c *Config, path string, apply func(*Config) error) *Store {
	if apply == nil {
		apply = func(*Config) error { return nil }
	}
	return &Store{path: path, apply: apply, cfg: c}
}

// Config returns the configuration as it is. It must not be changed.
func (s *Store) Config() *Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// All returns all values by key.
func (s *Store) All() map[string]string { return s.Config().All() }

// Update changes values and returns how many of them differed. Keys that do not exist are passed over, and those
// that are [Unsafe]: who may call an API must not thereby run what he likes. refused names each value that is not of its
// key's type; the others hold. After an error, of the file or of what was to apply the change, nothing
// has changed.
func (s *Store) Update(values map[string]string) (changed int, refused []error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.cfg.clone()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		before, exists := next.values[key]
		if !exists || Unsafe(key) {
			continue
		}
		if fault := next.Set(key, values[key]); fault != nil {
			refused = append(refused, fault)
		} else if next.values[key] != before {
			changed++
		}
	}
	if changed > 0 {
		err = s.replace(next)
	}
	if err != nil {
		return 0, refused, err
	}
	return changed, refused, nil
}

// replace makes a configuration hold and writes it; if it cannot be written, the one before holds again.
func (s *Store) replace(next *Config) error {
	if err := s.apply(next); err != nil {
		return err
	}
	if s.path != "" {
		if err := next.WriteFile(s.path); err != nil {
			return errors.Join(err, s.apply(s.cfg))
		}
	}
	s.cfg = next
	return nil
}

// Unsafe reports whether a key says which program runs or with what arguments, where secrets are written, or which folders
// strangers read, so that no API may change it.
func Unsafe(key string) bool {
	lower := strings.ToLower(key)
	switch lower {
	case "hook.outbox", "http.rootpath", "http.virtualpath", "api.downloadroot":
		return true
	}
	return lower != "ffmpeg.restart_sec" && (strings.HasPrefix(lower, "ffmpeg.") || strings.HasPrefix(lower, "python."))
}

func (c *Config) clone() *Config {
	next := *c
	next.values = maps.Clone(c.values)
	return &next
}
