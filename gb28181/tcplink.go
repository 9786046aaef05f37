package gb28181

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/framing"
	"github.com/sluice-media/sluice/media"
)

// writeTimeout bounds how long a peer may take nothing.
const writeTimeout = 10 * time.Second

// tcpLink is a connection.
type tcpLink struct{ conn net.Conn }

func (l *tcpLink) port() int {
	_, local := l.addresses()
	return int(local.Port())
}

func (l *tcpLink) addresses() (remote, local netip.AddrPort) { return addressesOf(l.conn) }

func (l *tcpLink) close() { l.conn.Close() }

func (l *tcpLink) send(ctx context.Context, x *sender) error {
	r := x.player.ReadFormat(x.format)
	defer r.Close()
	return sendByTCP(ctx, x, l.conn, r)
}

// sendByTCP sends what a reader has, while another goroutine takes what the peer sends.
func sendByTCP(ctx context.Context, x *sender, conn net.Conn, r *media.Reader[media.Chunk]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var hearing sync.WaitGroup
	defer hearing.Wait()
	defer conn.Close()                          // ends the hearing
	hearing.Go(func() { cancel(x.hear(conn)) }) //nolint:contextcheck // what is received has a life of its own
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	err := readChunks(ctx, x, r, framed(x.label, conn))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// framed writes chunks to a connection, in one call.
func framed(l label, conn net.Conn) func(chunks [][]byte) error {
	var b []byte
	return func(chunks [][]byte) error {
		b = b[:0]
		for _, chunk := range chunks {
			b = l.appendFrames(b, chunk)
		}
		if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		_, err := conn.Write(b)
		return err
	}
}

// hear takes what the peer of a connection sends, until that ends: RTP of the stream that is received on it, or nothing that matters.
func (x *sender) hear(conn net.Conn) error {
	if x.source == nil {
		var b [512]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return err
			}
		}
	}
	r := framing.NewReader(conn, maxPacket)
	remote, local := addressesOf(conn)
	from := origin{remote: remote, local: local, conn: &connection{conn: conn}}
	for {
		b, lost, err := r.Next()
		if err != nil {
			return err
		}
		if lost {
			x.source.torn(from)
		}
		x.source.packet(b, from, time.Now())
		x.source.await()
	}
}

// listenLink waits for the peer.
type listenLink struct {
	ln      *net.TCPListener
	at      int
	limit   time.Duration
	release func()
}

func (l *listenLink) port() int { return l.at }

func (l *listenLink) addresses() (remote, local netip.AddrPort) {
	if a, ok := l.ln.Addr().(*net.TCPAddr); ok {
		local = a.AddrPort()
	}
	return remote, local
}

func (l *listenLink) close() {
	l.ln.Close()
	l.release()
}

// send takes the first who connects. What the stream has from now on is kept for it.
func (l *listenLink) send(ctx context.Context, x *sender) error {
	r := x.player.ReadFormat(x.format)
	defer r.Close()
	defer context.AfterFunc(ctx, func() { l.ln.Close() })()
	if err := l.ln.SetDeadline(time.Now().Add(l.limit)); err != nil {
		return err
	}
	conn, err := l.ln.Accept()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errNoPeer
	case err != nil:
		return fmt.Errorf("gb28181: %w", err)
	}
	l.ln.Close()
	return sendByTCP(ctx, x, conn, r)
}
