package http1

import (
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Writer is the http.ResponseWriter of one request. A reply with a Content-Length goes out as it is written, its head
// together with the first of it; one without is held back up to a few KiB, for its length to be known, and else sent in
// chunks. It is for one goroutine, and supports http.ResponseController but for Hijack and EnableFullDuplex.
type Writer struct {
	conn net.Conn
	sink io.Writer   // the connection without detours
	body bool        // the request wants one
	head http.Header // what Header returns
	sent http.Header // what is sent of it

	status  int
	length  int64 // that was promised; -1 if none was
	written int64 // of the body
	held    []byte
	begun   bool // the head has been written
	chunks  io.WriteCloser
	close   bool
	err     error

	until time.Time // the deadline
	armed bool      // the connection has it
}

var (
	_ http.ResponseWriter = (*Writer)(nil)
	_ http.Flusher        = (*Writer)(nil)
)

// NewWriter returns the writer for the reply to r on a connection. sink is that connection, or what is in it, to be written to;
// head is what of the reply's head is known already, and may be nil.
func NewWriter(conn net.Conn, sink io.Writer, r *http.Request, head http.Header) *Writer {
	if head == nil {
		head = make(http.Header, 8)
	}
	return &Writer{conn: conn, sink: sink, body: r.Method != http.MethodHead, head: head, length: -1}
}

// Header implements [http.ResponseWriter].
func (w *Writer) Header() http.Header { return w.head }

// WriteHeader implements [http.ResponseWriter]. What is set in Header from then on is not sent. Informational replies are left out.
func (w *Writer) WriteHeader(status int) {
	if w.status != 0 || status < http.StatusOK {
		return
	}
	w.setStatus(status, w.head.Clone())
}

// setStatus sets the status of the reply, and the head that goes with it.
func (w *Writer) setStatus(status int, head http.Header) {
	w.status, w.sent = status, head
	if text := head.Get("Content-Length"); text != "" {
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			head.Del("Content-Length")
			return
		}
		w.length = int64(n)
	}
}

// hasBody reports whether the reply may have a body (RFC 9110, 6.4.1).
func (w *Writer) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

const maxHeld = 4 << 10

// Write implements [http.ResponseWriter].
func (w *Writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.setStatus(http.StatusOK, w.head)
	}
	if !w.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(b)) // also what is too much: that the handler is wrong about the length ends the connection
	switch {
	case w.length >= 0 && w.written > w.length:
		return 0, http.ErrContentLength
	case !w.body:
		return len(b), nil
	case w.err != nil:
		return 0, w.err
	case w.length < 0 && w.chunks == nil && len(w.held)+len(b) <= maxHeld:
		w.held = append(w.held, b...)
		return len(b), nil
	}
	return w.send(b)
}

// send sends what was held back and b.
func (w *Writer) send(b []byte) (n int, err error) {
	if w.arm(); w.err != nil {
		return 0, w.err
	}
	if !w.begun && w.length >= 0 {
		n, w.err = w.begin(b)
		return n, w.err
	}
	if w.err = w.release(b); w.err == nil {
		n, w.err = w.out().Write(b)
	}
	return n, w.err
}

// release sends the head, if it has not been sent, and what was held back. After that comes next.
func (w *Writer) release(next []byte) (err error) {
	if !w.begun {
		w.begun = true
		_, err = w.sink.Write(w.appendHead(next))
	}
	if held := w.held; len(held) > 0 && err == nil {
		w.held = nil
		_, err = w.out().Write(held)
	}
	return err
}

func (w *Writer) out() io.Writer {
	if w.chunks != nil {
		return w.chunks
	}
	return w.sink
}

// begin sends the head and, with the same call, b. It returns how much of b was sent.
func (w *Writer) begin(b []byte) (int, error) {
	w.begun = true
	head := w.appendHead(b)
	both := net.Buffers{head, b}
	n, err := both.WriteTo(w.sink)
	return max(int(n)-len(head), 0), err
}

// appendHead returns the head of the reply, whose body begins with b or with what is held back.
func (w *Writer) appendHead(b []byte) []byte {
	w.frame()
	if _, has := w.sent["Content-Type"]; !has && w.hasBody() && w.sent.Get("Content-Encoding") == "" {
		if b = append(w.held[:len(w.held):len(w.held)], b...); len(b) > 0 {
			w.sent.Set("Content-Type", http.DetectContentType(b))
		}
	}
	if _, has := w.sent["Date"]; !has {
		w.sent.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	head := append(make([]byte, 0, typicalHead), "HTTP/1.1 "...)
	head = strconv.AppendInt(head, int64(w.status), 10)
	head = append(append(append(head, ' '), http.StatusText(w.status)...), "\r\n"...)
	for name, values := range w.sent {
		for _, value := range values {
			head = appendField(head, name, value)
		}
	}
	return append(head, "\r\n"...)
}

const typicalHead = 512

// appendField appends a field (RFC 9112, 5). A line break in a value would begin another; a name with anything odd is left out.
func appendField(head []byte, name, value string) []byte {
	if !isToken(name) {
		return head
	}
	head = append(append(head, name...), ": "...)
	at := len(head)
	head = append(head, textproto.TrimString(value)...)
	for i, c := range head[at:] {
		if c == '\r' || c == '\n' {
			head[at+i] = ' '
		}
	}
	return append(head, "\r\n"...)
}

// frame sets the fields that say how long the body is and whether the connection goes on.
func (w *Writer) frame() {
	w.sent.Del("Transfer-Encoding")
	if w.close = w.close || tokenIn(w.sent, "Connection", "close"); w.close {
		w.sent.Set("Connection", "close")
	} else {
		w.sent.Del("Connection")
	}
	if w.length < 0 && w.hasBody() && w.body {
		w.sent.Set("Transfer-Encoding", "chunked")
		w.chunks = httputil.NewChunkedWriter(w.sink)
	}
}

func tokenIn(h http.Header, name, token string) bool {
	for _, line := range h[name] {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(part), token) {
				return true
			}
		}
	}
	return false
}

// Flush implements [http.Flusher].
func (w *Writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *Writer) FlushError() error {
	if w.status == 0 {
		w.setStatus(http.StatusOK, w.head)
	}
	if w.arm(); w.err == nil {
		w.err = w.release(nil)
	}
	return w.err
}

// SetWriteDeadline is for http.ResponseController. It holds from the next write on: setting the connection's costs as much as
// all else, and it is set several times for each request.
func (w *Writer) SetWriteDeadline(t time.Time) error {
	w.until, w.armed = t, false
	return nil
}

// arm gives the connection the deadline, also if there is none: it may have that of another request.
func (w *Writer) arm() {
	if !w.armed && w.err == nil {
		w.armed, w.err = true, w.conn.SetWriteDeadline(w.until)
	}
}

// SetReadDeadline does nothing, as there is nothing to be read.
func (w *Writer) SetReadDeadline(time.Time) error { return nil }

// Finish sends what is left of the reply, and reports whether another request may follow.
func (w *Writer) Finish() (more bool) {
	if w.status == 0 {
		w.setStatus(http.StatusOK, w.head)
	}
	if !w.begun && w.length < 0 && w.hasBody() && w.body {
		w.length = w.written
		w.sent.Set("Content-Length", strconv.FormatInt(w.length, 10))
	}
	if w.arm(); w.err == nil {
		w.err = w.release(nil)
	}
	if w.chunks != nil && w.err == nil {
		if w.err = w.chunks.Close(); w.err == nil {
			_, w.err = io.WriteString(w.sink, "\r\n") // no trailer
		}
	}
	whole := !w.body || !w.hasBody() || w.length < 0 || w.written == w.length
	return w.err == nil && whole && !w.close
}
