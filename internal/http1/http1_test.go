package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func head(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

func TestParse(t *testing.T) {
	r, simple := Parse([]byte(head("GET /live/test/hls.m3u8?a=b HTTP/1.1", "Host: here", "Cookie: a=b", "Range: bytes=0-")))
	require.True(t, simple)
	require.Equal(t, "/live/test/hls.m3u8", r.URL.Path)
	require.Equal(t, "here", r.Host)
	require.Equal(t, "a=b", r.Header.Get("Cookie"))
	for _, odd := range []string{
		"",
		head("GET /a HTTP/1.1"), // no host
		head("GET /a HTTP/1.1", "Host: a", "Host: b"),                  // two
		head("GET /a HTTP/1.1", "Host: a", "host: a"),                  // two
		head("GET /a HTTP/1.1", "Host:"),                               // an empty one
		head("GET /a HTTP/1.0", "Host: a"),                             // an older version
		head("POST /a HTTP/1.1", "Host: a"),                            // another method
		head("GET /a HTTP/1.1", "Host: a", "Content-Length: 1"),        // a body
		head("GET /a HTTP/1.1", "Host: a", "content-length: 0"),        // says so
		head("GET /a HTTP/1.1", "Host: a", "Transfer-Encoding: gzip"),  // a body
		head("GET /a HTTP/1.1", "Host: a", "Connection: close"),        // the last request
		head("GET /a HTTP/1.1", "Host: a", "Upgrade: websocket"),       // another protocol
		head("GET /a HTTP/1.1", "Host: a", "Expect: 100-continue"),     // more than an answer
		head("GET http://b/a HTTP/1.1", "Host: a"),                     // to a proxy
		head("GET /a HTTP/1.1", "Host: a", "Folded: a", " b"),          // a line that goes on
		head("GET /a HTTP/1.1", "Host: a", "A b: c"),                   // no name
		head("GET /a HTTP/1.1", "Host: a", "A: \x00"),                  // what cannot be seen
		head("GET /a HTTP/1.1", "Host: a", "A: b\nContent-Length: 10"), // half a line break
		head("GET /a\tb HTTP/1.1", "Host: a"),
		head("\r\nGET /a HTTP/1.1", "Host: a"),
		head("GET /%zz HTTP/1.1", "Host: a"),
	} {
		n := HeadLen([]byte(odd))
		_, simple := Parse([]byte(odd)[:n])
		require.False(t, simple, "%q", odd)
	}
}

func TestReadHead(t *testing.T) {
	one, two := head("GET /a HTTP/1.1", "Host: a"), head("GET /b HTTP/1.1", "Host: a")
	got, err := ReadHead(iotest.OneByteReader(strings.NewReader(one+two)), nil)
	require.NoError(t, err)
	require.Equal(t, one, string(got))
	got, err = ReadHead(iotest.ErrReader(io.ErrClosedPipe), []byte(one+two))
	require.NoError(t, err)
	require.Equal(t, one+two, string(got))
	_, err = ReadHead(strings.NewReader(""), nil)
	require.Equal(t, io.EOF, err)
	_, err = ReadHead(strings.NewReader(one[:9]), nil)
	require.Equal(t, io.ErrUnexpectedEOF, err)
	got, err = ReadHead(strings.NewReader(strings.Repeat("x", 1<<20)), nil)
	require.Equal(t, ErrTooLong, err)
	require.LessOrEqual(t, len(got), MaxHead)
	require.LessOrEqual(t, cap(got), 2*MaxHead)
}

// handlers answer in all the ways that there are.
var handlers = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"short":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
	"html":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html><body>hello") },
	"promised": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.Header().Set("Content-Type", "video/mp2t")
		_, _ = io.WriteString(w, "01234")
		_, _ = io.WriteString(w, "56789")
	},
	"less": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "01234")
	},
	"more": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, err := io.WriteString(w, "0123456789")
		if err != http.ErrContentLength { //nolint:errorlint // as it is
			panic(err)
		}
		_, _ = io.WriteString(w, "01234")
	},
	"long": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("long "), 10_000)) },
	"pieces": func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			_, _ = io.WriteString(w, "pieces, ")
		}
	},
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "one, ")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "two")
	},
	"error":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
	"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) },
	"late": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Early", "1")
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "hello")
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_, err := io.WriteString(w, "hello")
		if err != http.ErrBodyNotAllowed { //nolint:errorlint // as it is
			panic(err)
		}
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"a"`)
		w.WriteHeader(http.StatusNotModified)
	},
	"close": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "bye")
	},
	"injected": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-A"] = []string{"b\r\nSet-Cookie: c", " spaces "}
		w.Header()["X B\r\n"] = []string{"d"}
		_, _ = io.WriteString(w, "hello")
	},
	"file": func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", time.Unix(1e9, 0), strings.NewReader(strings.Repeat("0123456789", 1000)))
	},
}

// What a handler writes reaches a client as by an http.Server.
func TestWriterIsLikeTheServers(t *testing.T) {
	for name, handler := range handlers {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(name+" "+method, func(t *testing.T) {
				r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
				r.Header.Set("Range", "bytes=10-19")
				want, wantBody, wantMore := byServer(t, handler, r)
				got, body, more := byWriter(t, handler, r)
				require.Equal(t, wantBody, body)
				require.Equal(t, wantMore, more)
				require.Equal(t, want.StatusCode, got.StatusCode)
				require.Equal(t, want.TransferEncoding, got.TransferEncoding)
				if method == http.MethodGet { // the server's replies to HEAD say more of a body that is not sent
					require.Equal(t, want.Header, got.Header)
				}
			})
		}
	}
}

// byServer returns an http.Server's reply, and whether the connection goes on.
func byServer(t *testing.T, handler http.HandlerFunc, r *http.Request) (reply *http.Response, body string, more bool) {
	t.Helper()
	s := httptest.NewServer(handler)
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, r.Write(conn))
	return readReply(t, conn, r)
}

// byWriter does so with a Writer.
func byWriter(t *testing.T, handler http.HandlerFunc, r *http.Request) (reply *http.Response, body string, more bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	go func() {
		defer server.Close()
		w := NewWriter(server, server, r, nil)
		handler(w, r)
		if w.Finish() {
			_, _ = io.Copy(io.Discard, server)
		}
	}()
	return readReply(t, client, r)
}

func readReply(t *testing.T, conn net.Conn, r *http.Request) (reply *http.Response, body string, more bool) {
	t.Helper()
	in := bufio.NewReader(conn)
	reply, err := http.ReadResponse(in, r)
	require.NoError(t, err)
	b, err := io.ReadAll(reply.Body)
	if err != nil {
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	reply.Header.Del("Date")
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err = in.ReadByte()
	return reply, string(b), err != io.EOF //nolint:errorlint // as it is
}

// FuzzParse: whatever is simple an http.Server understands in the same way.
func FuzzParse(f *testing.F) {
	f.Add([]byte(head("GET /live/test/hls.m3u8?a=b HTTP/1.1", "Host: here", "Cookie: a=b")))
	f.Add([]byte(head("HEAD /%2e/;a=b HTTP/1.1", "Host: here:80", "X: y", "X: z", "Connection: keep-alive")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, simple := Parse(b[:HeadLen(b)])
		if !simple {
			return
		}
		var seen *http.Request
		l := &once{conn: &scripted{in: bytes.NewReader(b[:HeadLen(b)])}}
		done := make(chan struct{})
		s := &http.Server{
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }),
			ConnState: func(_ net.Conn, state http.ConnState) {
				if state == http.StateClosed {
					close(done)
				}
			},
		}
		require.Equal(t, errOnce, s.Serve(l))
		<-done
		require.NotNil(t, seen, "%q", b)
		require.Equal(t, seen.Method, r.Method)
		require.Equal(t, seen.URL, r.URL)
		require.Equal(t, seen.Host, r.Host)
		require.Equal(t, seen.Header, r.Header)
		require.Equal(t, http.NoBody, seen.Body)
	})
}

// scripted is a connection that says what it is given.
type scripted struct{ in io.Reader }

func (c *scripted) Read(b []byte) (int, error)     { return c.in.Read(b) }
func (*scripted) Write(b []byte) (int, error)      { return len(b), nil }
func (*scripted) Close() error                     { return nil }
func (*scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }
