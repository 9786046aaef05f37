package shell_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/api/shell"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "canary-0123456789"

// host is a media server with a shell.
type host struct {
	t     *testing.T
	media *media.Server
	shell *shell.Server
	addr  string
	log   testlog.Buffer
}

func newHost(t *testing.T, cfg shell.Config, hooks ...hook.Hook) *host {
	t.Helper()
	h := &host{t: t}
	var err error
	h.media, err = media.New(media.Config{
		Hooks: hooks, HookTimeout: 2 * time.Second,
		Logger: h.log.Logger(),
	})
	require.NoError(t, err)
	h.shell, err = shell.NewServer(h.media, cfg)
	require.NoError(t, err)
	require.NoError(t, h.media.Register(protocols{}, "rtmp", "rtsp"))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- h.shell.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, h.media.Close())
		require.ErrorIs(t, <-served, shell.ErrServerClosed)
	})
	return h
}

// protocols stands for servers, so that streams have schemas.
type protocols struct{}

func (protocols) Shutdown(context.Context) error { return nil }
func (protocols) Close() error                   { return nil }

func (h *host) publish(app, name string) *media.Publisher {
	h.t.Helper()
	p, err := h.media.Publish(h.t.Context(), media.PublishRequest{Stream: media.StreamKey{App: app, Name: name}, Schema: "rtmp"})
	require.NoError(h.t, err)
	h.t.Cleanup(func() { p.Close(nil) })
	require.NoError(h.t, p.SetTracks(&media.Track{ID: 1, Codec: media.H264, Width: 2, Height: 2, Config: []byte("c")}))
	return p
}

// client is one that reads to the next prompt.
type client struct {
	t    *testing.T
	conn net.Conn
}

func (h *host) dial() *client {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { conn.Close() })
	return &client{h.t, conn}
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c.conn, text)
	require.NoError(c.t, err)
}

// until reads up to and with a text.
func (c *client) until(end string) string {
	c.t.Helper()
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	var text []byte
	for b := make([]byte, 1); !bytes.HasSuffix(text, []byte(end)); {
		_, err := c.conn.Read(b)
		require.NoError(c.t, err, "after %q", text)
		text = append(text, b...)
	}
	return string(text)
}

// rest reads to the end, whichever it is.
func (c *client) rest() string {
	c.t.Helper()
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	text, err := io.ReadAll(c.conn)
	var late net.Error
	require.False(c.t, errors.As(err, &late) && late.Timeout(), "it does not end, after %q", text)
	return string(text)
}

// do sends a line and returns the answer before the next prompt.
func (c *client) do(line string) string {
	c.t.Helper()
	c.send(line + "\r\n")
	return strings.TrimSuffix(c.until("# "), "me@sluice# ")
}

func (h *host) login() *client {
	h.t.Helper()
	c := h.dial()
	require.Equal(h.t, "\x1b[0msluice login: ", c.until("login: "))
	c.send("me\r\n")
	require.Equal(h.t, "Password: \x1b[8m", c.until("\x1b[8m"))
	c.send(secret + "\r\n")
	banner := c.until("me@sluice# ")
	require.True(h.t, strings.HasPrefix(banner, "\x1b[0m"))
	require.Equal(h.t, 3, strings.Count(banner, "\r\n"))
	return c
}

func TestCommands(t *testing.T) {
	h := newHost(t, shell.Config{Secret: secret})
	h.publish("live", "a")
	h.publish("live", "b/c")
	h.publish("other", "a")
	c := h.login()
	all := "\trtmp://__defaultVhost__/live/a\r\n\trtmp://__defaultVhost__/live/b/c\r\n\trtmp://__defaultVhost__/other/a\r\n" +
		"\trtsp://__defaultVhost__/live/a\r\n\trtsp://__defaultVhost__/live/b/c\r\n\trtsp://__defaultVhost__/other/a\r\n"
	a := "\trtmp://__defaultVhost__/live/a\r\n\trtsp://__defaultVhost__/live/a\r\n"
	for line, want := range map[string]string{
		"":         "",
		"   ":      "",
		"clear":    "\x1b[2J\x1b[H",
		"media":    "",
		"media -l": all, "media --list": all, "media x -l y": all,
		"media -l -S rtsp -a other":                   "\trtsp://__defaultVhost__/other/a\r\n",
		"media -la live -sa":                          a,
		"media --list --app live --stream=a":          a,
		"media -l -v __defaultVhost__ -s a --app=liv": "",
		"media -l -v elsewhere":                       "",
		"media -- -l":                                 "",
	} {
		require.Equal(t, want, c.do(line), "%q", line)
	}
	for _, line := range []string{"media -x", "media -S", "media --schema", "media --list=1", "media -lx", "media --bogus"} {
		require.Contains(t, c.do(line), "no such option", "%q", line)
	}
	help := c.do("help")
	for _, name := range []string{"clear", "exit", "help", "media", "quit"} {
		require.Regexp(t, "(?m)^  "+name+" +[a-z]", help)
	}
	require.Contains(t, c.do("bogus\x1b[31m"), `no command "bogus\x1b[31m"`)
	for _, long := range []string{"help", "kick", "list", "schema", "vhost", "app", "stream"} {
		require.Contains(t, c.do("media -h"), "--"+long)
	}
	// A lone LF does not end a line, and several lines may come at once.
	c.send("media\n -l\r\nclear\r\n")
	require.Equal(t, all+"me@sluice# ", c.until("# "))
	require.Equal(t, "\x1b[2J\x1b[Hme@sluice# ", c.until("# "))
	c.send("exit\r\n")
	require.Contains(t, c.rest(), "Goodbye")
}

func TestKick(t *testing.T) {
	h := newHost(t, shell.Config{Secret: secret})
	p, other := h.publish("live", "a"), h.publish("live", "b")
	c := h.login()
	require.Equal(t, "\tclosed rtsp://__defaultVhost__/live/a\r\n", c.do("media --kick -S rtsp -s a"))
	<-p.Stream().Done()
	select {
	case <-other.Stream().Done():
		t.Fatal("the other stream was closed too")
	default:
	}
	require.Equal(t, "\trtmp://__defaultVhost__/live/b\r\n", c.do("media -l -S rtmp"))
}

// A stream may have any name, but does not get hold of the terminal.
func TestHostileNames(t *testing.T) {
	h := newHost(t, shell.Config{Secret: secret})
	h.publish("live", "a\x1b[2J\r\nb\x7f\u0085\u202e")
	h.publish("live", `"><img src=x onerror=alert(1)>`)
	long := strings.Repeat("n", 4<<10)
	h.publish("live", long)
	c := h.login()
	list := c.do("media -lS rtmp")
	require.Contains(t, list, "live/a?[2J??b???\r\n")
	require.Contains(t, list, `live/"><img src=x onerror=alert(1)>`+"\r\n")
	require.Contains(t, list, long)
}

func TestHookDecides(t *testing.T) {
	events := make(chan *hook.ShellLoginEvent, 2)
	h := newHost(t, shell.Config{Secret: secret}, hook.Funcs{OnShellLogin: func(_ context.Context, ev *hook.ShellLoginEvent) error {
		events <- ev
		if ev.Password != "pw" {
			return hook.Deny(-1, "bad \x1b password")
		}
		return nil
	}})
	c := h.dial()
	c.send("me\r\n" + secret + "\r\n")
	require.Equal(t, "\x1b[0msluice login: Password: \x1b[8m\x1b[0mAuth failed([auth failed]: code:-1 msg:\"bad \\x1b password\"), please try again.\r\nme@sluice's password: \x1b[8m",
		c.until("me@sluice's password: \x1b[8m"))
	c.send("pw\r\n")
	c.until("# ")
	<-events
	ev := <-events
	require.Equal(t, "me", ev.UserName)
	require.Equal(t, c.conn.LocalAddr().String(), ev.Session.Remote.String())
	require.Equal(t, h.addr, ev.Session.Local.String())
	x, ok := h.media.Session(ev.Session.ID)
	require.True(t, ok)
	require.Equal(t, "shell", x.Info().Protocol)
	received, sent := x.Bytes()
	require.NotZero(t, received)
	require.NotZero(t, sent)
	x.Kick(media.ErrKicked)
	require.Empty(t, c.rest())
	require.NotContains(t, h.log.String(), secret)
}

// Nobody gets in without a secret and a hook, not even with an empty password.
func TestNoSecret(t *testing.T) {
	h := newHost(t, shell.Config{})
	c := h.dial()
	c.send("me\r\n\r\n")
	require.Contains(t, c.until("'s password: "), "wrong password")
	require.Contains(t, h.log.String(), "shell login refused")
	require.NoError(t, h.shell.Reconfigure(shell.Config{Secret: secret}))
	c.send(secret + "\r\n")
	c.until("me@sluice# ")
	require.Error(t, h.shell.Reconfigure(shell.Config{MaxLine: -1}))
}

// What is no dialog ends its session only.
func TestHostileClients(t *testing.T) {
	h := newHost(t, shell.Config{Secret: secret, LoginTimeout: 300 * time.Millisecond, IdleTimeout: 300 * time.Millisecond, MaxLine: 100})
	for what, text := range map[string]string{
		"endless line": strings.Repeat("x", 100), "interrupt": "\xff\xf4\xff\xfd\x06", "silence": "",
		"only LF": "me\npw\n", "binary": strings.Repeat("\x00\xff", 50), "half a dialog": "me\r\npw",
	} {
		c := h.dial()
		c.send(text)
		c.rest()
		t.Log(what)
	}
	k := h.dial()
	k.send("me\r\n" + strings.Repeat("wrong\r\n", 5))
	require.Equal(t, 1, strings.Count(k.rest(), "please try again"), "tries do not win time")
	c := h.login()
	c.send("\xff\xf4\xff\xfd\x06")
	require.Contains(t, c.rest(), "Goodbye")
	c = h.login()
	c.rest() // idle
	require.Contains(t, h.log.String(), "timed out")
	require.Contains(t, h.log.String(), "the line does not end")
	require.Eventually(t, func() bool {
		for range h.media.Sessions() {
			return false
		}
		return true
	}, 20*time.Second, time.Millisecond)
}

// A hook that hangs is left when the shell ends, one that panics refuses.
func TestHookFails(t *testing.T) {
	entered := make(chan struct{})
	h := newHost(t, shell.Config{Secret: secret}, hook.Funcs{OnShellLogin: func(ctx context.Context, ev *hook.ShellLoginEvent) error {
		if ev.UserName == "boom" {
			panic("boom")
		}
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}})
	c := h.dial()
	c.send("boom\r\n" + secret + "\r\n")
	require.Contains(t, c.until("'s password: "), "could not decide")
	c = h.dial()
	c.send("hang\r\npw\r\n")
	<-entered
	begun := time.Now()
	require.NoError(t, h.shell.Close())
	require.Less(t, time.Since(begun), 2*time.Second, "it waits for the hook")
}
