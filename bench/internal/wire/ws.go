package wire

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// WebSocket opcodes, RFC 6455 section 5.2.
const (
	opContinuation = 0
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

const (
	wsKey  = "c2x1aWNlLWJlbmNoLWtleQ=="
	wsGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// PlayWS upgrades the connection (RFC 6455 section 4.1) and returns the FLV stream that the binary messages make up.
func PlayWS(rw io.ReadWriter, u *url.URL) (*FLV, error) {
	res, r, err := get(rw, u, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+wsKey+"\r\n")
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("wire: upgrade of %s: %s", u, res.Status)
	}
	if got := res.Header.Get("Sec-WebSocket-Accept"); got != acceptKey(wsKey) {
		return nil, malformed("Sec-WebSocket-Accept %q", got)
	}
	return NewFLV(&wsReader{r: r, w: rw}), nil
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + wsGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// wsReader joins the payloads of a server's binary frames to one byte stream and answers pings.
type wsReader struct {
	r      *bufio.Reader
	w      io.Writer
	left   uint64 // payload of the current frame not yet read
	midway bool   // the last data frame did not finish its message
}

// Read implements io.Reader.
func (s *wsReader) Read(p []byte) (int, error) {
	for s.left == 0 {
		if err := s.frame(); err != nil {
			return 0, err
		}
	}
	n, err := s.r.Read(p[:min(uint64(len(p)), s.left)])
	s.left -= uint64(n)
	return n, err
}

// frame reads frame headers up to the next one with data.
func (s *wsReader) frame() error {
	var h [2]byte
	if _, err := io.ReadFull(s.r, h[:]); err != nil {
		return err
	}
	final, op := h[0]&0x80 != 0, h[0]&0x0F
	if h[0]&0x70 != 0 || h[1]&0x80 != 0 {
		return malformed("WebSocket frame head %x", h[:])
	}
	n, err := s.length(h[1])
	if err != nil {
		return err
	}
	if op >= opClose {
		return s.controlFrame(op, final, n)
	}
	if (op == opContinuation) != s.midway || op != opContinuation && op != opBinary {
		return malformed("WebSocket opcode %d out of place", op)
	}
	s.midway, s.left = !final, n
	return nil
}

func (s *wsReader) length(b byte) (uint64, error) {
	var h [8]byte
	switch b {
	case 126:
		_, err := io.ReadFull(s.r, h[6:])
		return binary.BigEndian.Uint64(h[:]), err
	case 127:
		_, err := io.ReadFull(s.r, h[:])
		n := binary.BigEndian.Uint64(h[:])
		if err == nil && n > maxBody {
			return 0, malformed("WebSocket frame of %d bytes", n)
		}
		return n, err
	}
	return uint64(b), nil
}

func (s *wsReader) controlFrame(op byte, final bool, n uint64) error {
	if !final || n > 125 {
		return malformed("WebSocket control frame of %d bytes, final %t", n, final)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(s.r, payload); err != nil {
		return err
	}
	switch op {
	case opPing:
		return s.pong(payload)
	case opPong:
		return nil
	case opClose:
		if n >= 2 {
			return fmt.Errorf("%w: WebSocket close %d", ErrEnd, binary.BigEndian.Uint16(payload))
		}
		return fmt.Errorf("%w: WebSocket close", ErrEnd)
	}
	return malformed("WebSocket opcode %d", op)
}

// pong answers a ping. A client masks what it sends; a mask of zeros leaves the payload as it is.
func (s *wsReader) pong(payload []byte) error {
	b := bytes.Join([][]byte{{0x80 | opPong, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload}, nil)
	_, err := s.w.Write(b)
	return err
}
