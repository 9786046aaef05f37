// Package outbound is what the clients of all protocols share, which pull streams and push them.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// Dialer opens connections.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial connects to an address.
func (d Dialer) Dial(ctx context.Context, addr string) (net.Conn, error) { return d(ctx, "tcp", addr) }

// DialTLS connects to an address by TLS, as one that is called host unless cfg, which may be nil, says otherwise.
func (d Dialer) DialTLS(ctx context.Context, addr, host string, cfg *tls.Config) (net.Conn, error) {
	conn, err := d.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	tc := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg != nil {
		tc = cfg.Clone()
	}
	if tc.ServerName == "" {
		tc.ServerName = host
	}
	secure := tls.Client(conn, tc)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// NewSession enters a connection into the session list. Whoever kicks it closes the connection.
func NewSession(m *media.Server, schema string, conn net.Conn) *media.Session {
	return m.NewSession(hook.Session{
		Schema: schema, Protocol: schema, Remote: acceptor.Address(conn.RemoteAddr()), Local: acceptor.Address(conn.LocalAddr()),
	}, func(error) { conn.Close() })
}

// Ended is why a client has ended, which itself says err: for ctx, or because its session x was kicked. What ctx ends, the host itself
// does, so the stream need not wait for another publisher.
func Ended(ctx context.Context, x *media.Session, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
		x.Kick(err)
		return err
	}
	if cause := x.Err(); cause != nil {
		return cause
	}
	return err
}

// TellPlaying is Tell when the tracks of a stream are known, unless ctx or the stream ends before.
func TellPlaying(ctx context.Context, fn func(*media.Session), st *media.Stream, m *media.Server, x *media.Session) {
	if _, err := st.Tracks(ctx); err == nil {
		Tell(fn, m, x)
	}
}

// Tell calls fn, the host's, with the session of a client that plays, unless it is nil. A panic of it is the host's to see in the log of m,
// and ends nothing.
func Tell(fn func(*media.Session), m *media.Server, x *media.Session) {
	if fn == nil {
		return
	}
	err := acceptor.Guard(func() error {
		fn(x)
		return nil
	})
	if p, ok := errors.AsType[*acceptor.PanicError](err); ok {
		m.Logger().Error("OnPlaying panicked", "session", x.Info().ID, "err", err, "stack", string(p.Stack))
	}
}
