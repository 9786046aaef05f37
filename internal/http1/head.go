package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// MaxHead bounds the head of a simple request, in bytes. A longer one is not refused: it is not simple.
const MaxHead = 8 << 10

const headEnd = "\r\n\r\n"

// HeadLen returns how long the head is that stands at the beginning of b, with the empty line that ends it; 0 if its end is
// not there yet.
func HeadLen(b []byte) int {
	if i := bytes.Index(b, []byte(headEnd)); i >= 0 {
		return i + len(headEnd)
	}
	return 0
}

// Parse parses the head of a request and reports whether it is simple: a GET or HEAD by HTTP/1.1 (RFC 9112)
// without a body, to which nothing applies but what the path and the usual headers say.
func Parse(head []byte) (r *http.Request, simple bool) {
	if !isPlain(head) {
		return nil, false
	}
	// No buffer is larger than what is in it: a request lives shorter than one.
	r, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(head), len(head)))
	if err != nil || !isSimple(r) {
		return nil, false
	}
	return r, true
}

// isSimple reports whether a request is, but for its fields.
func isSimple(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ProtoMajor == 1 && r.ProtoMinor == 1 &&
		r.ContentLength == 0 && len(r.TransferEncoding) == 0 && !r.Close && isHost(r.Host) && strings.HasPrefix(r.RequestURI, "/")
}

// isHost reports whether a host looks like one.
func isHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; !isAlphanumeric(c) && strings.IndexByte(".:-_[]", c) < 0 {
			return false
		}
	}
	return host != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Follows reports whether simple requests may follow r, which an http.Server has read, on its connection.
func Follows(r *http.Request) bool { return r.TLS == nil && isSimple(r) && !special(r.Header) }

// special reports whether there is something in a header that asks for more than an answer.
func special(h http.Header) bool {
	for name := range h {
		if isSpecial([]byte(name)) {
			return true
		}
	}
	return false
}

// isPlain reports whether a head is written as one expects it: lines of visible characters, none folded, names that are
// tokens, one host, and none of the fields that change how a message is read.
func isPlain(head []byte) bool {
	head, whole := bytes.CutSuffix(head, []byte(headEnd))
	if !whole {
		return false
	}
	lines := bytes.Split(head, []byte("\r\n"))
	hosts := 0
	for i, line := range lines {
		if !isVisible(line) {
			return false
		}
		if i == 0 {
			continue
		}
		name, _, found := bytes.Cut(line, []byte(":"))
		if !found || !isToken(name) || isSpecial(name) {
			return false
		}
		if bytes.EqualFold(name, []byte("Host")) {
			hosts++
		}
	}
	return hosts == 1
}

func isVisible(line []byte) bool {
	for _, c := range line {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(line) > 0
}

const tokenMarks = "!#$%&'*+-.^_`|~"

// isToken reports whether a name is one of a field (RFC 9110, 5.6.2).
func isToken[T string | []byte](name T) bool {
	for i := range len(name) {
		if c := name[i]; !isAlphanumeric(c) && strings.IndexByte(tokenMarks, c) < 0 {
			return false
		}
	}
	return len(name) > 0
}

// isSpecial reports whether a field makes a request one that is not simple.
func isSpecial(name []byte) bool {
	for _, special := range [...]string{"Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "TE", "HTTP2-Settings"} {
		if len(name) == len(special) && strings.EqualFold(string(name), special) {
			return true
		}
	}
	return false
}

// ErrTooLong says that a head is longer than MaxHead.
var ErrTooLong = errors.New("http1: the head of the request is too long")

// ReadHead reads until the head of a request is whole that begins with what has been read of it, and returns what there is
// then, which may be more. With an error it returns what there is, too; io.EOF is only the end between requests.
func ReadHead(r io.Reader, begun []byte) ([]byte, error) {
	for {
		switch {
		case HeadLen(begun) > 0:
			return begun, nil
		case len(begun) >= MaxHead:
			return begun, ErrTooLong
		}
		if cap(begun)-len(begun) < minRead {
			begun = append(make([]byte, 0, max(firstRead, 2*cap(begun))), begun...)
		}
		n, err := r.Read(begun[len(begun):min(cap(begun), MaxHead)])
		begun = begun[:len(begun)+n]
		if err != nil && HeadLen(begun) == 0 {
			if err == io.EOF && len(begun) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return begun, err
		}
	}
}

const (
	firstRead = 2 << 10 // most heads are shorter
	minRead   = 256
)
