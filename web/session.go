package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// writeTimeout bounds what is written to a client besides media.
	writeTimeout = 10 * time.Second
	// replyTime is how long a client may take for a request whose answer is no stream.
	replyTime = 10 * time.Second
)

// session is a connection that was taken over from the http.Server.
type session struct {
	handler *Handler
	conn    net.Conn
	ahead   []byte // what the http.Server had read ahead
	entry   *media.Session
	player  *media.Player
	feed    *media.Feed
	told    bool // the log says why it ends
}

// takeOver takes the connection of a request. Its session counts until end. While the handler closes, the client is told.
func (h *Handler) takeOver(w http.ResponseWriter) (*session, error) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	x := &session{handler: h, conn: h.idle.Conn(conn), ahead: peekAll(buf)}
	err = conn.SetDeadline(time.Time{})
	if err == nil && !h.enter(x) {
		x.sayUnavailable()
		err = media.ErrServerClosed
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return x, nil
}

// sayUnavailable answers who has come too late for a stream and too early for another server.
func (x *session) sayUnavailable() {
	const reply = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	if x.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) == nil {
		_, _ = io.WriteString(x.conn, reply) // the client may have left
	}
}

// enter counts a session, unless the handler is closing.
func (h *Handler) enter(x *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.sessions.Set(x, struct{}{})
	h.running.Add()
	return true
}

// peekAll returns a copy of what was read ahead, so that the buffer can go.
func peekAll(buf *bufio.ReadWriter) []byte {
	n := buf.Reader.Buffered()
	if n == 0 {
		return nil
	}
	b, _ := buf.Reader.Peek(n)
	return append([]byte(nil), b...)
}

// readAhead is how much of what a client says is taken at once, in bytes. Clients have next to nothing to say: one that goes on
// and on must not cost a system call for every few bytes.
const readAhead = 4 << 10

// Read reads what the client sends, and keeps what is more than b.
func (x *session) Read(b []byte) (int, error) {
	if len(x.ahead) == 0 {
		if len(b) >= readAhead {
			return x.receive(b)
		}
		buf := make([]byte, readAhead)
		n, err := x.receive(buf)
		if n == 0 {
			return 0, err
		}
		x.ahead = buf[:n] // an error that came with it comes again
	}
	n := copy(b, x.ahead)
	if x.ahead = x.ahead[n:]; len(x.ahead) == 0 {
		x.ahead = nil // the buffer can go
	}
	return n, nil
}

// ignore reads what means nothing. It returns an error if the client is gone.
func (x *session) ignore() error {
	_, err := x.Read(make([]byte, readAhead))
	return err
}

// receive reads from the connection.
func (x *session) receive(b []byte) (int, error) {
	n, err := x.conn.Read(b)
	if x.entry != nil {
		x.entry.Received(n)
	}
	return n, err
}

// write sends what is not media, before there is a feed.
func (x *session) write(b []byte) error {
	if err := x.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	n, err := x.conn.Write(b)
	x.entry.Sent(n)
	if err != nil {
		return err
	}
	return x.conn.SetWriteDeadline(time.Time{})
}

// end closes all that the session has. It is called once, by the last goroutine that works for it.
func (x *session) end(err error) {
	if x.player != nil {
		x.player.Close(err)
	}
	x.conn.Close()
	if x.entry != nil {
		x.logEnd(err)
		x.entry.Close()
	}
	x.handler.mu.Lock()
	x.handler.sessions.Delete(x)
	x.handler.mu.Unlock()
	x.handler.running.Done()
}

// logEnd writes the one line that says why the session ended, unless there is one.
func (x *session) logEnd(err error) {
	if !x.told {
		x.handler.logEnd(x.entry, x.player, err)
	}
	x.told = true
}
