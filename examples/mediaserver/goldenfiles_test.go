package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/golden"
)

// day is that of the recording among the files.
const day = "2026-11-23"

// newFolder makes the files that the real server had.
func newFolder(t *testing.T) string {
	t.Helper()
	www := filepath.Join(t.TempDir(), "www")
	recording := make([]byte, 289049)
	copy(recording, "\x00\x00\x00 ftypis")
	for name, content := range map[string]string{
		"hello.txt": "hello", "../logo.png": "\x89PNG\r\n\x1a\n", "dir/a.txt": "x", "live/test/a.ts": "x",
		"record/live/test/" + day + "/" + day + "-09-35-08-0.mp4": string(recording),
	} {
		path := filepath.Join(www, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return www
}

// answersByK are those that on_http_access had, by the query.
func answersByK() map[string]string {
	return map[string]string{
		"k=d": `{"code":0,"err":"no way","path":"/","second":60}`,
		"k=e": `{"code":0,"err":"","path":"/","second":60}`,
		"k=f": `{"code":1,"msg":"bad"}`,
		"k=g": "500",
	}
}

// ask asks for a path as the client did whose requests were captured, and waits for the end of the reply.
func (g *hooked) ask(path, headers string) {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.ports["28080"])
	require.NoError(g.t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1:28080\r\n"+headers+"\r\n")
	require.NoError(g.t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(g.t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(g.t, err)
}

// loadCapture reads a capture. Those of live streams have the head of the reply only.
func loadCapture(t *testing.T, file string, text []byte) *capture {
	t.Helper()
	c := &capture{}
	require.NoError(t, json.Unmarshal(text, c))
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	if strings.HasPrefix(name, "hls.") {
		return loadPlaylist(t, text)
	}
	if !strings.HasPrefix(name, "live_http.") {
		return c
	}
	var head struct {
		Lines []string `json:"response_head"`
	}
	require.NoError(t, json.Unmarshal(text, &head))
	c.Request.Method, c.Request.Path, c.Case = http.MethodGet, c.Case, name
	c.Request.Headers = map[string]string{"Origin": "http://o.example"}
	_, err := fmt.Sscanf(head.Lines[0], "HTTP/1.1 %d", &c.Response.Status)
	require.NoError(t, err)
	c.Response.Headers = map[string]any{}
	for _, line := range head.Lines[1:] {
		key, value, _ := strings.Cut(line, ": ")
		c.Response.Headers[key] = value
	}
	return c
}

func differStatus(c *capture, res *http.Response) string {
	if res.StatusCode != c.Response.Status {
		return fmt.Sprintf("status %d, not %d", res.StatusCode, c.Response.Status)
	}
	return ""
}

// differHeaders compares the headers that say something of what was asked for, in the original's reply and in ours. The
// original has no Cache-Control for files.
func differHeaders(c *capture, got http.Header) string {
	for _, key := range []string{
		"Content-Type", "Content-Range", "Content-Disposition", "Set-Cookie", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
	} {
		want, ok := c.Response.Headers[key].(string)
		if len(got.Values(key)) > 1 || !ok && got.Get(key) != "" {
			return key + " is not in the original"
		}
		if d := golden.DifferText(key, want, got.Get(key)); d != "" {
			return d
		}
	}
	if want, ok := c.Response.Headers["Cache-Control"]; ok && any(got.Get("Cache-Control")) != want {
		return "Cache-Control is " + got.Get("Cache-Control")
	}
	return ""
}

// differBody compares what is no JSON.
func differBody(c *capture, got string) string {
	if c.Response.Text == nil {
		return ""
	}
	want, ok := (*c.Response.Text).(string)
	if !ok {
		return ""
	}
	return golden.DifferText("text", want, got)
}
