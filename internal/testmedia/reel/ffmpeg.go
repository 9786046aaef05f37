package reel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What ffmpeg is to decode of a file.
const (
	Pictures = "v"
	Sound    = "a"
)

// missing skips a test that needs something which is not installed. With CI=true it fails.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// run runs ffmpeg or ffprobe, and returns what it writes to its output. It must have nothing to complain of.
func run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program+" is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-v", "error"}, args...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if strings.Contains(complaints.String(), "Unknown encoder") {
		missing(t, "ffmpeg: "+complaints.String())
	}
	require.NoError(t, err, "%v: %s", args, complaints.String())
	require.Empty(t, complaints.String(), "%v", args)
	return out
}

// save writes a file for ffmpeg, which knows by its name what it is.
func save(t testing.TB, name string, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// Hashes returns a hash of each picture that ffmpeg decodes from a file, or of each 160 samples of sound, however they lie in
// frames. options are those of the input. The test is skipped where there is no ffmpeg, but fails there with CI=true.
func Hashes(t testing.TB, name, what string, data []byte, options ...string) []string {
	t.Helper()
	args := slices.Concat(options, []string{"-i", save(t, name, data), "-map", "0:" + what})
	switch what {
	case Pictures:
		args = append(args, "-fps_mode", "passthrough", "-autoscale", "0")
	case Sound:
		args = append(args, "-af", "asetnsamples=160:p=0")
	}
	var list []string
	for line := range strings.Lines(string(run(t, "ffmpeg", append(args, "-f", "framehash", "-hash", "md5", "-")...))) {
		// stream, dts, pts, duration, size, hash, and perhaps more about side data
		if fields := strings.Split(line, ","); len(fields) > 5 && line[0] != '#' {
			list = append(list, strings.TrimSpace(fields[5]))
		}
	}
	require.NotEmpty(t, list, "nothing was decoded")
	return list
}

// PacketHashes returns an MD5 of each packet that ffprobe finds in a file, as it lies there: it need not know what that is.
// Where there is no ffprobe it does as Hashes.
func PacketHashes(t testing.TB, name string, data []byte) (list []string) {
	t.Helper()
	out := run(t, "ffprobe", "-show_data_hash", "md5", "-show_entries", "packet=data_hash", "-of", "csv=p=0", save(t, name, data))
	for line := range strings.Lines(string(out)) {
		if _, hash, ok := strings.Cut(strings.TrimRight(line, ",\r\n"), ":"); ok {
			list = append(list, hash)
		}
	}
	require.NotEmpty(t, list, "nothing was found")
	return list
}
