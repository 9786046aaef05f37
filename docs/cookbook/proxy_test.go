package cookbook

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Streams, WebSocket and the API pass nginx and Caddy as these files configure them.
func TestBehindProxies(t *testing.T) {
	for program, file := range map[string]string{"nginx": "nginx.conf", "caddy": "Caddyfile"} {
		t.Run(program, func(t *testing.T) {
			path, err := exec.LookPath(program)
			if err != nil {
				missing(t, program)
			}
			m := newMedia(t, media.Config{})
			publishClip(t, m, liveKey)
			h, err := behindProxy(m, "s3cret")
			require.NoError(t, err)
			ln := listen(t)
			service := &http.Server{Handler: h}
			done := make(chan error, 1)
			go func() { done <- service.Serve(ln) }()
			t.Cleanup(func() {
				require.NoError(t, service.Close())
				<-done
			})
			front := startProxy(t, path, file, ln.Addr().String())
			checkProxied(t, m, front)
		})
	}
}

func missing(t *testing.T, program string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
}

// startProxy runs a proxy in front of the address until the test ends, and returns its own.
func startProxy(t *testing.T, program, file, behind string) (front string) {
	t.Helper()
	dir := t.TempDir()
	ln := listen(t)
	front = ln.Addr().String()
	require.NoError(t, ln.Close())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	conf := strings.NewReplacer(
		"127.0.0.1:8080", behind, "listen 8088", "listen "+front, "\n:8088 {", "\nhttp://"+front+" {\n\tbind 127.0.0.1", // else Caddy has the port at all addresses, where somebody may have it
		"http {\n", "pid "+dir+"/pid;\nhttp {\n  access_log off;\n  client_body_temp_path "+dir+"/body;\n  proxy_temp_path "+dir+
			"/proxy;\n  fastcgi_temp_path "+dir+"/f;\n  uwsgi_temp_path "+dir+"/u;\n  scgi_temp_path "+dir+"/s;\n",
	).Replace(string(text))
	name := filepath.Join(dir, file)
	require.NoError(t, os.WriteFile(name, []byte(conf), 0o600))
	args := []string{"run", "--adapter", "caddyfile", "--config", name}
	if file == "nginx.conf" {
		args = []string{"-p", dir, "-c", name, "-g", "daemon off; master_process off; error_log stderr;"}
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", front)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, patience, 10*time.Millisecond)
	return front
}

// checkProxied plays by HTTP and WebSocket, and calls the API.
func checkProxied(t *testing.T, m *media.Server, front string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+front+path, http.NoBody)
		require.NoError(t, err)
		res, err := client.Do(r)
		require.NoError(t, err)
		return res
	}
	text := func(res *http.Response) string {
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return string(text)
	}
	flv := get("/live/a.live.flv")
	head := make([]byte, 3)
	_, err := io.ReadFull(flv.Body, head)
	require.NoError(t, err)
	require.Equal(t, "FLV", string(head))
	require.NoError(t, flv.Body.Close())

	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", front)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "GET /live/a.live.flv HTTP/1.1\r\nHost: "+front+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	frame := make([]byte, 16)
	_, err = io.ReadFull(r, frame)
	require.NoError(t, err)
	require.Contains(t, string(frame), "FLV")

	// The proxy is on this machine, its clients are not.
	require.Contains(t, text(get("/index/api/getMediaList")), "-100")
	require.Contains(t, text(get("/index/api/getMediaList?secret=s3cret")), `"stream": "a"`)
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool {
		st, ok := m.Stream(liveKey)
		return ok && len(st.Players()) == 0
	}, patience, time.Millisecond, "the viewers have gone")
}
