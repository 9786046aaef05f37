package interop

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// screening is the complete server as a program of its own, so that what it uses of the CPU can be told apart.
type screening struct {
	program    *process
	rtsp, rtmp string // URLs of the film
}

// screen starts it with a directory of recordings. It ends with the test.
func screen(ctx context.Context, t *testing.T, dir string) *screening {
	t.Helper()
	bin, config := filepath.Join(t.TempDir(), "mediaserver"), filepath.Join(t.TempDir(), "config.ini")
	_, err := run(ctx, "go", "build", "-o", bin, "github.com/sluice-media/sluice/examples/mediaserver")
	require.NoError(t, err)
	http, rtmp, rtsp := freePort(t), freePort(t), freePort(t)
	ini := fmt.Sprintf("[http]\nport=%d\nrootPath=%s\n[rtmp]\nport=%d\n[rtsp]\nport=%d\n[shell]\nport=0\n[rtp_proxy]\nport=0\n"+
		"[protocol]\nmp4_save_path=%s\n", http, dir, rtmp, rtsp, dir)
	require.NoError(t, os.WriteFile(config, []byte(ini), 0o600))
	c := &screening{program: background(ctx, t, bin, "-c", config)}
	awaitPage(ctx, t, fmt.Sprintf("http://127.0.0.1:%d/", http))
	film := path.Join(filmPath, "film.mp4")
	c.rtsp, c.rtmp = fmt.Sprintf("rtsp://127.0.0.1:%d%s", rtsp, film), fmt.Sprintf("rtmp://127.0.0.1:%d%s", rtmp, film)
	return c
}

// end ends the server in order and returns the time of the CPU that it has used.
func (c *screening) end(t *testing.T) time.Duration {
	t.Helper()
	require.NoError(t, c.program.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, c.program.wait())
	state := c.program.cmd.ProcessState
	return state.UserTime() + state.SystemTime()
}
