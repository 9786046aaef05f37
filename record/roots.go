package record

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// rootsFile lists the directories besides Config.Dir that were recorded to, below App, so that a crash leaves nothing unfinished there.
	rootsFile = ".roots"
	// maxRoots is how many are remembered: the newest.
	maxRoots = 1000
)

// knownRoots returns the directories that were recorded to, besides the configured one.
func (c *Config) knownRoots() []string {
	text, err := os.ReadFile(filepath.Join(c.Dir, c.App, rootsFile))
	if err != nil {
		return nil
	}
	roots := strings.Split(strings.TrimSpace(string(text)), "\n")
	return slices.DeleteFunc(roots, func(s string) bool { return !filepath.IsAbs(s) })
}

// remember notes that a directory is recorded to. r.mu is held.
func (r *Recorder) remember(root string) {
	if root == r.cfg.Dir || strings.ContainsAny(root, "\n") || slices.Contains(r.roots, root) {
		return
	}
	r.roots = append(r.roots, root)
	r.roots = r.roots[max(len(r.roots)-maxRoots, 0):]
	dir := filepath.Join(r.cfg.Dir, r.cfg.App)
	file := filepath.Join(dir, rootsFile)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = errors.Join(
			os.WriteFile(file+newSuffix, []byte(strings.Join(r.roots, "\n")+"\n"), 0o600), os.Rename(file+newSuffix, file),
		)
	}
	if err != nil {
		r.log.Warn("after a crash, recordings below this directory would not be finished by themselves", "dir", root, "err", err)
	}
}
