package interop

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// A WebSocket client (RFC 6455) that shares no code with the server.
type webSocket struct {
	conn net.Conn
	in   *bufio.Reader
}

const (
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// closedError is the close frame of a server.
type closedError struct {
	code   int
	reason string
}

func (e *closedError) Error() string { return fmt.Sprintf("closed with %d: %s", e.code, e.reason) }

// dialWebSocket connects; the connection ends with ctx.
func dialWebSocket(ctx context.Context, url string) (*webSocket, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http"+url[len("ws"):], nil)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 16)
	_, _ = rand.Read(key) // it never fails
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(key)},
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	w := &webSocket{conn: conn, in: bufio.NewReader(conn)}
	if err := r.Write(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	reply, err := http.ReadResponse(w.in, r)
	if err == nil && reply.StatusCode != http.StatusSwitchingProtocols {
		err = errors.New(reply.Status)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

// next returns the next message, and answers what comes in between.
func (w *webSocket) next() ([]byte, error) {
	var message []byte
	for {
		fin, op, payload, err := w.frame()
		if err != nil {
			return nil, err
		}
		switch op {
		case opPing:
			err = w.send(opPong, payload)
		case opPong:
		case opClose:
			if len(payload) < 2 {
				return nil, &closedError{1005, ""}
			}
			closed := &closedError{int(binary.BigEndian.Uint16(payload)), string(payload[2:])}
			return nil, errors.Join(closed, w.send(opClose, payload[:2]))
		case opBinary, 0:
			if (op == 0) != (message != nil) {
				return nil, fmt.Errorf("frame of type %d out of order", op)
			}
			message = append(message, payload...)
			if fin {
				return message, nil
			}
		default:
			return nil, fmt.Errorf("frame of type %d", op)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (w *webSocket) frame() (fin bool, op byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(w.in, head[:2]); err != nil {
		return false, 0, nil, err
	}
	if head[0]&0x70 != 0 || head[1]&0x80 != 0 {
		return false, 0, nil, errors.New("reserved bits, or a mask")
	}
	fin, op = head[0]&0x80 != 0, head[0]&0x0f
	length := uint64(head[1])
	switch length {
	case 126:
		_, err = io.ReadFull(w.in, head[:2])
		length = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(w.in, head[:8])
		length = binary.BigEndian.Uint64(head[:])
	}
	if err == nil && length > 8<<20 {
		err = fmt.Errorf("frame of %d bytes", length)
	}
	if err != nil {
		return false, 0, nil, err
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(w.in, payload)
	return fin, op, payload, err
}

// send sends a control frame, masked with zeros.
func (w *webSocket) send(op byte, payload []byte) error {
	_, err := w.conn.Write(append([]byte{0x80 | op, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...))
	return err
}

// dumpWebSocket keeps the messages of a stream in a file, until the server closes normally.
func dumpWebSocket(ctx context.Context, url, path string) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := dialWebSocket(ctx, url)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		message, err := w.next()
		if closed, ok := errors.AsType[*closedError](err); ok && closed.code == 1000 {
			return nil
		}
		if err == nil {
			_, err = f.Write(message)
		}
		if err != nil {
			return err
		}
	}
}
