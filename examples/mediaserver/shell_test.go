package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// telnet is a client of the shell.
type telnet struct {
	t    *testing.T
	conn net.Conn
}

func (g *stage) telnet() *telnet {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.ports["28900"])
	require.NoError(g.t, err)
	g.t.Cleanup(func() { conn.Close() })
	x := &telnet{g.t, conn}
	require.Contains(g.t, x.read(), "login: ")
	return x
}

func (x *telnet) say(line string) {
	x.t.Helper()
	_, err := io.WriteString(x.conn, line+"\r\n")
	require.NoError(x.t, err)
}

// prompt is what the shell says last of what it says at once.
var prompt = regexp.MustCompile(`(login: |[Pp]assword: \x1b\[8m|\S+@\S+# )$`)

// read returns what the shell says, up to its next prompt; <EOF> stands for the end.
func (x *telnet) read() string {
	x.t.Helper()
	require.NoError(x.t, x.conn.SetReadDeadline(time.Now().Add(limit)))
	var text []byte
	buf := make([]byte, 4096)
	for !prompt.Match(text) {
		n, err := x.conn.Read(buf)
		text = append(text, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return string(text) + "<EOF>"
		}
		require.NoError(x.t, err, "after %q", text)
	}
	return string(text)
}

// The shell says what that of the real server says, but for the words of its explanations and the schemas that are not
// there yet.
func TestGoldenShell(t *testing.T) {
	text, err := os.ReadFile("testdata/hooks/shell.transcript.json")
	require.NoError(t, err)
	var c struct {
		Sent, Received []string
		Refused        []string `json:"login_refused"`
	}
	require.NoError(t, json.Unmarshal(text, &c))
	g := newHooked(t, nil, nil)
	g.live()
	x := g.telnet()
	for i, line := range c.Sent {
		x.say(line)
		require.Equal(t, shape(c.Received[i+1]), shape(x.read()), "after %q", line)
	}

	g = newHooked(t, map[string]string{"on_shell_login": `{"code":-1,"msg":"bad password"}`}, nil)
	x = g.telnet()
	x.say("admin")
	require.Equal(t, shape(c.Refused[1]), shape(x.read()))
	for _, want := range c.Refused[2:] {
		x.say("pw")
		got := x.read()
		require.Equal(t, shape(want), shape(got))
		require.Contains(t, got, `[auth failed]: code:-1 msg:"bad password"`)
	}
}

// shape is what a program may rely on in an answer: the lines of sources in any order, the end and the prompt.
func shape(answer string) []string {
	answer = strings.ReplaceAll(strings.ReplaceAll(answer, "<SERVER>", "sluice"), "<EOF>", "\r\n<EOF>")
	var out []string
	for line := range strings.SplitSeq(answer, "\n") {
		line = strings.TrimSuffix(line, "\r")
		switch schema, _, _ := strings.Cut(strings.TrimPrefix(line, "\t"), "://"); {
		case strings.HasPrefix(line, "\t") && isServed(schema),
			strings.HasPrefix(line, "<EOF>"), prompt.MatchString(line):
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

// Without a hook the password is the secret of the API, in the configuration as it is at the time.
func TestShellSecret(t *testing.T) {
	g := newStage(t)
	g.live()
	x := g.telnet()
	x.say("me")
	x.read()
	x.say("wrong")
	require.Contains(t, x.read(), "try again")
	g.set("api.secret", "canary")
	x.say("canary")
	require.Contains(t, x.read(), "me@sluice# ")
	x.say("media -k -s test")
	require.Contains(t, x.read(), "\tclosed rtmp://__defaultVhost__/live/test\r\n")
	x.say("media -l")
	require.Equal(t, "me@sluice# ", x.read())
	x.say("quit")
	require.Contains(t, x.read(), "<EOF>")
}
