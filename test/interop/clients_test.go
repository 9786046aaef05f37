package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// need skips a test whose clients are not installed. With CI=true it fails: there a green run means that
// everything was tried.
func need(t *testing.T, clients ...string) {
	t.Helper()
	for _, c := range clients {
		if !installed(c) {
			missing(t, fmt.Sprintf("%s is not installed: apt-get install %s, or scripts/clients.sh", c, debian(c)))
		}
	}
}

// debian names the packages of a client that is not called as its package is.
func debian(client string) string {
	switch client {
	case "ffprobe":
		return "ffmpeg"
	case "cvlc":
		return "vlc-bin vlc-plugin-base"
	case "gst-launch-1.0":
		return "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
	case "node":
		return "nodejs"
	}
	return client
}

func installed(client string) bool {
	_, err := exec.LookPath(client)
	return err == nil
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// What comes from npm is in folders, each with a lock file.
const (
	npmFolder = "browser"           // what drives Chromium, and an ffmpeg that knows Enhanced RTMP
	nmsFolder = "node-media-server" // a server of RTMP
)

// npmInstalls are the folders that were asked for.
var npmInstalls sync.Map // of string to func() error

// npmInstall installs the packages of a folder as its lock file has them.
func npmInstall(folder string) error {
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	done := filepath.Join(folder, "node_modules", ".lock")
	if have, err := os.ReadFile(done); err == nil && bytes.Equal(have, lock) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if _, err := run(ctx, "npm", "--prefix", folder, "ci", "--no-audit", "--no-fund", "--ignore-scripts"); err != nil {
		return err
	}
	return os.WriteFile(done, lock, 0o600)
}

// needNPM installs the packages of a folder, once.
func needNPM(t *testing.T, folder string) {
	t.Helper()
	need(t, "npm")
	once, _ := npmInstalls.LoadOrStore(folder, sync.OnceValue(func() error { return npmInstall(folder) }))
	if err := once.(func() error)(); err != nil {
		missing(t, fmt.Sprintf("npm ci in %s: %v", folder, err))
	}
}

// newer returns the command line of a newer ffmpeg or ffprobe. Debian's 5.1 knows no H.265 in FLV; a package of
// npm brings version 7.1, which does.
func newer(t *testing.T, program string) []string {
	t.Helper()
	needNPM(t, npmFolder)
	dir, err := filepath.Abs(filepath.Join(npmFolder, "node_modules", "@remotion", "compositor-linux-x64-gnu"))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, program))
	}
	if err != nil {
		missing(t, "no ffmpeg 7 for this machine: "+err.Error())
	}
	return []string{"env", "LD_LIBRARY_PATH=" + dir, filepath.Join(dir, program)}
}
