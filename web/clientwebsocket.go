package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gobwas/ws"
)

// maxControl bounds the payload of a control frame (RFC 6455, 5.5).
const maxControl = 125

// upgrade asks for a stream by WebSocket (RFC 6455), whose data messages are then the body.
func (c *client) upgrade(ctx context.Context, patience time.Duration) (*http.Response, error) {
	head := http.Header{"User-Agent": {"Sluice"}}
	if user := c.url.User; user != nil {
		password, _ := user.Password()
		r := http.Request{Header: head}
		r.SetBasicAuth(user.Username(), password)
	}
	both := struct {
		io.Reader
		io.Writer
	}{c, c.conn}
	from, _, err := ws.Dialer{Header: ws.HandshakeHeaderHTTP(head)}.Upgrade(both, c.url)
	var status ws.StatusError
	switch {
	case errors.As(err, &status):
		code := int(status)
		return &http.Response{StatusCode: code, Status: fmt.Sprintf("%d %s", code, http.StatusText(code)), Body: http.NoBody}, nil
	case err != nil && ctx.Err() == nil:
		return nil, fmt.Errorf("web: no reply of WebSocket: %.200s", err.Error()) // it repeats what the server has sent
	case err != nil:
		return nil, err
	}
	if from == nil { // nothing has come behind the head
		from = bufio.NewReader(c)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(&messages{from: from, to: c.conn, patience: patience})}, nil
}

// messages are what the data messages of a WebSocket hold, one behind the other.
type messages struct {
	from     *bufio.Reader
	to       net.Conn
	patience time.Duration // for a server that does not read
	head     ws.Header
	left     int64 // of the payload of a data frame
	taken    int   // bytes of its mask that have been used
}

// Read implements io.Reader. It answers pings, and returns io.EOF when the server has closed.
func (m *messages) Read(b []byte) (int, error) {
	for m.left == 0 {
		head, err := ws.ReadHeader(m.from)
		if err != nil {
			return 0, err
		}
		if head.OpCode.IsControl() {
			if err := m.control(head); err != nil {
				return 0, err
			}
			continue
		}
		m.head, m.left, m.taken = head, head.Length, 0
	}
	n, err := m.from.Read(b[:min(int64(len(b)), m.left)])
	if m.head.Masked { // a server should not (5.1)
		ws.Cipher(b[:n], m.head.Mask, m.taken)
	}
	m.left -= int64(n)
	m.taken += n
	return n, err
}

// control answers a control frame.
func (m *messages) control(head ws.Header) error {
	if head.Length > maxControl {
		return fmt.Errorf("web: a control frame of %d bytes", head.Length)
	}
	body := make([]byte, head.Length)
	if _, err := io.ReadFull(m.from, body); err != nil {
		return err
	}
	if head.Masked {
		ws.Cipher(body, head.Mask, 0)
	}
	if err := m.to.SetWriteDeadline(time.Now().Add(m.patience)); err != nil {
		return err
	}
	switch head.OpCode {
	case ws.OpClose:
		_ = ws.WriteFrame(m.to, ws.MaskFrameInPlace(ws.NewCloseFrame(body))) // it may be gone
		return io.EOF
	case ws.OpPing:
		return ws.WriteFrame(m.to, ws.MaskFrameInPlace(ws.NewPongFrame(body)))
	}
	return nil
}
