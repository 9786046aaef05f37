package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

// against runs serve on one end of a connection and returns the other.
func against(t *testing.T, serve func(net.Conn)) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		serve(server)
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	deadline := time.Now().Add(10 * time.Second)
	require.NoError(t, client.SetDeadline(deadline))
	require.NoError(t, server.SetDeadline(deadline))
	return client
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

// rtmpStub is the server's side of a script: it reads commands and answers as told.
type rtmpStub struct {
	conn   net.Conn
	chunks *chunkReader
}

func newStub(conn net.Conn) (*rtmpStub, error) {
	s := &rtmpStub{conn, newChunkReader(conn)}
	hello := make([]byte, 1+handshakeSize)
	if err := s.chunks.full(hello); err != nil {
		return nil, err
	}
	reply := append(append([]byte{}, hello...), hello[1:]...)
	if _, err := conn.Write(reply); err != nil {
		return nil, err
	}
	return s, s.chunks.full(hello[1:])
}

// await reads up to the command of that name and returns its values.
func (s *rtmpStub) await(name string) ([]any, error) {
	for {
		m, err := s.chunks.next()
		if err != nil {
			return nil, err
		}
		values, err := command(m)
		if err != nil {
			return nil, err
		}
		if len(values) > 1 && values[0] == name {
			return values, nil
		}
	}
}

func (s *rtmpStub) send(kind uint8, body []byte) {
	_, _ = s.conn.Write(appendMessage(nil, 3, kind, 1, body)) // a failure shows at the client
}

// greet answers up to play and returns what was asked for.
func (s *rtmpStub) greet() (app, stream any, err error) {
	values, err := s.await("connect")
	if err != nil {
		return nil, nil, err
	}
	s.send(typeCommand, appendAMF(nil, "_result", 1.0, []field{}, []field{{"code", "NetConnection.Connect.Success"}}))
	if _, err := s.await("createStream"); err != nil {
		return nil, nil, err
	}
	s.send(typeCommand, appendAMF(nil, "_result", 2.0, nil, 1.0))
	play, err := s.await("play")
	if err != nil {
		return nil, nil, err
	}
	info, _ := values[2].(map[string]any)
	return info["app"], play[3], nil
}

func status(level, code string) []byte {
	return appendAMF(nil, "onStatus", 0.0, nil, []field{{"level", level}, {"code", code}})
}

func TestPlayRTMP(t *testing.T) {
	t.Parallel()
	pong := make(chan Message, 1)
	asked := make(chan string, 1)
	conn := against(t, func(c net.Conn) {
		s, err := newStub(c)
		if err != nil {
			return
		}
		app, stream, err := s.greet()
		if err != nil {
			return
		}
		asked <- fmt.Sprint(app, " ", stream)
		s.send(typeUserControl, []byte{0, eventPing, 0, 0, 0, 9})
		for { // the buffer length comes first
			m, err := s.chunks.next()
			if err != nil {
				return
			}
			if m.Body[1] == eventPong {
				pong <- m
				break
			}
		}
		s.send(typeCommand, status("status", "NetStream.Play.Start"))
		s.send(TypeVideo, flvtest.AVCConfig())
		s.send(typeCommand, status("status", "NetStream.Play.Stop"))
	})
	source, err := Play("rtmp", conn, mustURL(t, "rtmp://127.0.0.1:1935/live/a/b?token=x"))
	require.NoError(t, err)
	require.Equal(t, "live a/b?token=x", <-asked)
	require.Equal(t, []byte{0, eventPong, 0, 0, 0, 9}, (<-pong).Body)
	m, err := source.Next()
	require.NoError(t, err)
	require.Equal(t, Message{TypeVideo, 0, flvtest.AVCConfig()}, m)
	_, err = source.Next()
	require.ErrorIs(t, err, ErrEnd)
}

func TestPlayRTMPMediaBeforeStart(t *testing.T) {
	t.Parallel()
	conn := against(t, func(c net.Conn) {
		s, err := newStub(c)
		if err != nil {
			return
		}
		if _, _, err := s.greet(); err == nil {
			s.send(TypeAudio, flvtest.AACConfig())
		}
		_, _ = io.Copy(io.Discard, c)
	})
	source, err := PlayRTMP(conn, mustURL(t, "rtmp://127.0.0.1:1935/live/a"))
	require.NoError(t, err)
	m, err := source.Next()
	require.NoError(t, err)
	require.Equal(t, Message{TypeAudio, 0, flvtest.AACConfig()}, m)
}

func TestPlayRTMPAcknowledges(t *testing.T) {
	t.Parallel()
	acked := make(chan Message, 1)
	conn := against(t, func(c net.Conn) {
		s, err := newStub(c)
		if err != nil {
			return
		}
		if _, _, err := s.greet(); err != nil {
			return
		}
		s.send(typeWindow, []byte{0, 0, 0, 100})
		for {
			m, err := s.chunks.next()
			if err != nil {
				return
			}
			if m.Type == typeAck {
				acked <- m
				break
			}
		}
		s.send(TypeAudio, flvtest.AACConfig())
	})
	_, err := PlayRTMP(conn, mustURL(t, "rtmp://127.0.0.1:1935/live/a"))
	require.NoError(t, err)
	require.Len(t, (<-acked).Body, 4)
}

func TestPlayRTMPRefused(t *testing.T) {
	t.Parallel()
	conn := against(t, func(c net.Conn) {
		s, err := newStub(c)
		if err != nil {
			return
		}
		if _, _, err := s.greet(); err == nil {
			s.send(typeCommand, status("error", "NetStream.Play.BadAuth"))
		}
		_, _ = io.Copy(io.Discard, c)
	})
	_, err := PlayRTMP(conn, mustURL(t, "rtmp://127.0.0.1:1935/live/a"))
	require.ErrorContains(t, err, "NetStream.Play.BadAuth")
}

func TestPlayRTMPNoConnect(t *testing.T) {
	t.Parallel()
	conn := against(t, func(c net.Conn) {
		s, err := newStub(c)
		if err != nil {
			return
		}
		if _, err := s.await("connect"); err == nil {
			s.send(typeCommand, appendAMF(nil, "_error", 1.0, nil, []field{{"code", "NetConnection.Connect.Rejected"}}))
		}
	})
	_, err := PlayRTMP(conn, mustURL(t, "rtmp://127.0.0.1:1935/live/a"))
	require.ErrorContains(t, err, "Rejected")
}

// httpStub reads a request and answers it with head and body.
func httpStub(answer func(*http.Request) string) func(net.Conn) {
	return func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, answer(req))
	}
}

func TestPlayHTTP(t *testing.T) {
	t.Parallel()
	file := string(flvtest.File(100 * time.Millisecond))
	for name, body := range map[string]string{
		"plain":   "\r\n" + file,
		"chunked": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(file), file),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := against(t, httpStub(func(r *http.Request) string {
				if r.RequestURI != "/live/a.live.flv?k=v" || r.Host != "127.0.0.1:80" {
					return "HTTP/1.1 400 Bad Request\r\n\r\n"
				}
				return "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n" + body
			}))
			source, err := Play("flv", conn, mustURL(t, "http://127.0.0.1:80/live/a.live.flv?k=v"))
			require.NoError(t, err)
			m, err := source.Next()
			require.NoError(t, err)
			require.EqualValues(t, TypeScript, m.Type)
		})
	}
}

func TestPlayHTTPRefused(t *testing.T) {
	t.Parallel()
	conn := against(t, httpStub(func(*http.Request) string { return "HTTP/1.1 401 Unauthorized\r\n\r\n" }))
	_, err := Play("flv", conn, mustURL(t, "http://127.0.0.1:80/live/a.live.flv"))
	require.ErrorContains(t, err, "401")
}

func TestPlayWS(t *testing.T) {
	t.Parallel()
	file := flvtest.File(100 * time.Millisecond)
	for name, key := range map[string]string{"right key": "", "wrong key": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := against(t, httpStub(func(r *http.Request) string {
				accept := acceptKey(r.Header.Get("Sec-WebSocket-Key") + key)
				head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n"
				return head + string([]byte{0x82, 126, byte(len(file) >> 8), byte(len(file))}) + string(file)
			}))
			source, err := Play("ws", conn, mustURL(t, "ws://127.0.0.1:80/live/a.live.flv"))
			if key != "" {
				require.ErrorIs(t, err, ErrMalformed)
				return
			}
			require.NoError(t, err)
			m, err := source.Next()
			require.NoError(t, err)
			require.EqualValues(t, TypeScript, m.Type)
		})
	}
}

func TestPlayRawAndUnknown(t *testing.T) {
	t.Parallel()
	conn := against(t, func(c net.Conn) { _, _ = c.Write([]byte("xyz")) })
	source, err := Play("raw", conn, nil)
	require.NoError(t, err)
	m, err := source.Next()
	require.NoError(t, err)
	require.Equal(t, []byte("xyz"), m.Body)
	_, err = Play("smoke", conn, nil)
	require.ErrorContains(t, err, "smoke")
}
