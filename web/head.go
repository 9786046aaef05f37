package web

import (
	"net/http"
	"strconv"
	"time"
)

// appendHead appends the head of a reply that is written without an http.ResponseWriter.
func appendHead(b []byte, status int, connection string, head http.Header) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(b, ' '), http.StatusText(status)...)
	b = append(append(b, "\r\nConnection: "...), connection...)
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\n"...)
	buf := headBuffer{b}
	_ = head.Write(&buf) // it cannot fail
	return append(buf.b, "\r\n"...)
}

// headBuffer is what a reply's head is written to.
type headBuffer struct{ b []byte }

// Write implements io.Writer.
func (h *headBuffer) Write(b []byte) (int, error) {
	h.b = append(h.b, b...)
	return len(b), nil
}

// WriteString implements io.StringWriter.
func (h *headBuffer) WriteString(s string) (int, error) {
	h.b = append(h.b, s...)
	return len(s), nil
}
