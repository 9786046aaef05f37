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
	// hlsRootsFile lists those that were recorded to by HLS, each with the virtual host of the streams. Config.Dir is one only if it was.
	hlsRootsFile = ".roots-hls"
	// maxRoots is how many are remembered: the newest.
	maxRoots = 1000
)

// knownRoots returns the lines of a list of directories.
func (c *Config) knownRoots(list string) []string {
	text, err := os.ReadFile(filepath.Join(c.Dir, c.App, list))
	if err != nil {
		return nil
	}
	roots := strings.Split(strings.TrimSpace(string(text)), "\n")
	return slices.DeleteFunc(roots, func(s string) bool {
		root, _, _ := strings.Cut(s, "\t")
		return !filepath.IsAbs(root)
	})
}

// hlsRoot is a directory below which streams of a virtual host were recorded by HLS.
type hlsRoot struct{ root, vhost string }

func (h hlsRoot) String() string { return h.root + "\t" + h.vhost }

// parseHLSRoot undoes String.
func parseHLSRoot(line string) (h hlsRoot, ok bool) {
	h.root, h.vhost, ok = strings.Cut(line, "\t")
	return h, ok
}

// recoverAll has what a crash has left finished, wherever it is known to have been recorded to.
func (r *Recorder) recoverAll() {
	for _, root := range append([]string{r.cfg.Dir}, r.roots...) {
		r.finisher.recover(search{root: root})
	}
	for _, line := range r.hlsRoots {
		if h, ok := parseHLSRoot(line); ok {
			r.finisher.recover(search{h.root, &h})
		}
	}
}

// remember notes that a directory is recorded to. r.mu is held.
func (r *Recorder) remember(root string) {
	if root != r.cfg.Dir {
		r.roots = r.note(r.roots, root, rootsFile)
	}
}

// rememberHLS notes that a directory is recorded to by HLS. r.mu is held.
func (r *Recorder) rememberHLS(h hlsRoot) {
	if !strings.Contains(h.root, "\t") {
		r.hlsRoots = r.note(r.hlsRoots, h.String(), hlsRootsFile)
	}
}

// note notes a line in a list, and returns it.
func (r *Recorder) note(list []string, line, name string) []string {
	if strings.Contains(line, "\n") || slices.Contains(list, line) {
		return list
	}
	list = append(list, line)
	list = list[max(len(list)-maxRoots, 0):]
	if err := r.writeList(list, name); err != nil {
		r.log.Warn("after a crash, recordings below this directory would not be finished by themselves", "dir", line, "err", err)
	}
	return list
}

// writeList writes a list: the whole new one, or the old one stays.
func (r *Recorder) writeList(list []string, name string) error {
	dir := filepath.Join(r.cfg.Dir, r.cfg.App)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(list, "\n") + "\n")
	if err == nil && r.cfg.Sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+newSuffix, path)
	}
	if err == nil && r.cfg.Sync {
		syncDirs(dir, r.cfg.Dir)
	}
	return err
}
