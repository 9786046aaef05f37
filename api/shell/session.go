package shell

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// What makes a terminal hide what is typed, and show it again.
const (
	conceal = "\x1b[8m"
	reveal  = "\x1b[0m"
)

const (
	banner = "----------------------------------------------\r\n" +
		"Welcome. What you close here is closed at once.\r\n" +
		"----------------------------------------------\r\n"
	farewell = "\r\nGoodbye.\r\n"
)

// session is one connection. Its goroutine owns what is here.
type session struct {
	server *Server
	conn   net.Conn
	entry  *media.Session
	reader *bufio.Reader
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	user   string

	admitted bool
}

func newSession(s *Server, conn net.Conn) *session {
	x := &session{server: s, conn: conn, reader: bufio.NewReaderSize(conn, 256)}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	x.entry = s.media.NewSession(hook.Session{
		Protocol: "shell", Remote: acceptor.Address(conn.RemoteAddr()), Local: acceptor.Address(conn.LocalAddr()),
	}, func(error) { x.Abort() })
	x.entry.Uses(conn.LocalAddr(), conn.RemoteAddr())
	return x
}

// Abort implements [acceptor.Session].
func (x *session) Abort() {
	x.cancel()
	x.conn.Close()
}

// Listens implements [acceptor.Session].
func (x *session) Listens() bool { return false }

// Plays implements [acceptor.Session].
func (x *session) Plays() bool { return false }

// Serve implements [acceptor.Session].
func (x *session) Serve() {
	err := acceptor.Guard(x.talk)
	quiet := errors.Is(err, errQuit) || errors.Is(err, errInterrupted)
	if quiet {
		_ = x.write(farewell) // the peer may be gone
		acceptor.Linger(x.conn)
	}
	x.server.ends.Log(x.logger(), acceptor.End{Err: err, Kicked: x.entry.Err(), Quiet: quiet, Admitted: x.admitted})
	x.Abort()
	x.entry.Close()
	x.server.acceptor.Forget(x)
}

// logger returns a logger that says which session it is.
func (x *session) logger() *slog.Logger {
	info := x.entry.Info()
	return x.server.media.Logger().With("session", info.ID, "proto", info.Protocol, "peer", acceptor.Peer(x.conn))
}

// talk is the whole dialog.
func (x *session) talk() error {
	if err := x.login(); err != nil {
		return err
	}
	text := reveal + banner
	for {
		if err := x.write(text + x.user + "@" + x.server.config().Name + "# "); err != nil {
			return err
		}
		line, err := x.read(time.Now().Add(x.server.config().IdleTimeout))
		if err != nil {
			return err
		}
		if text, err = x.server.execute(line); err != nil {
			return err
		}
	}
}

// login asks for name and password until somebody is admitted. After a refusal the name stays.
func (x *session) login() error {
	cfg := x.server.config()
	until := time.Now().Add(cfg.LoginTimeout)
	name, err := x.ask(reveal+cfg.Name+" login: ", until)
	if err != nil {
		return err
	}
	x.user = printable(name)
	prompt := "Password: " + conceal
	for {
		password, err := x.ask(prompt, until)
		if err != nil {
			return err
		}
		err = x.check(name, password)
		if err == nil {
			x.admitted = true
			x.logger().Info("shell login", "user", name)
			x.server.media.Settle(x.conn.LocalAddr(), x.conn.RemoteAddr())
			return nil
		}
		if x.ctx.Err() != nil {
			return net.ErrClosed
		}
		x.logRefusal(name, err)
		prompt = reveal + "Auth failed(" + printable(hook.PeerText(err)) + "), please try again.\r\n" +
			x.user + "@" + cfg.Name + "'s password: " + conceal
	}
}

// check decides about a login: the hooks do, or the secret where none does.
func (x *session) check(user, password string) error {
	err := x.server.media.ShellLogin(x.ctx, &hook.ShellLoginEvent{Session: x.entry.Info(), UserName: user, Password: password})
	if !errors.Is(err, hook.ErrNotHandled) {
		return err
	}
	secret := x.server.config().Secret
	given, want := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(secret))
	if secret != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
		return nil
	}
	select {
	case <-time.After(wrongPause):
	case <-x.ctx.Done():
	}
	return hook.Deny(-1, "wrong password")
}

// logRefusal writes the line of a login that is refused, like that of a session: the next may be admitted. There is one a
// second at most, with the number since the last.
func (x *session) logRefusal(user string, err error) {
	n, ok := x.server.refusals.Ready()
	if !ok {
		return
	}
	level := slog.LevelInfo
	if errors.Is(err, media.ErrHookFailed) {
		level = slog.LevelWarn
	}
	x.logger().Log(context.Background(), level, "shell login refused", "user", user, "err", err, "number", n)
}

// ask writes a prompt and reads the answer of somebody who is not logged in.
func (x *session) ask(prompt string, until time.Time) (string, error) {
	if err := x.write(prompt); err != nil {
		return "", err
	}
	return x.read(until)
}

// read reads a line, for which the peer has until then.
func (x *session) read(until time.Time) (string, error) {
	if time.Now().After(until) {
		return "", os.ErrDeadlineExceeded // lines that have come already win no time
	}
	if err := x.conn.SetReadDeadline(until); err != nil {
		return "", err
	}
	line, err := readLine(x.reader, x.server.config().MaxLine)
	if err == nil {
		x.entry.Received(len(line) + len("\r\n"))
	}
	return line, err
}

func (x *session) write(text string) error {
	if err := x.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	n, err := io.WriteString(x.conn, text)
	x.entry.Sent(n)
	return err
}
