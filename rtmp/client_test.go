package rtmp_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// start serves RTMP on a free port until the test ends.
func start(t testing.TB, mc media.Config, rc rtmp.Config) (*media.Server, string) {
	t.Helper()
	m, err := media.New(mc)
	require.NoError(t, err)
	s, err := rtmp.NewServer(m, rc)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, m.Close())
		require.ErrorIs(t, <-served, rtmp.ErrServerClosed)
	})
	return m, ln.Addr().String()
}

// client is a raw RTMP client.
type client struct {
	t    testing.TB
	conn net.Conn
	r    *chunk.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return handshake(t, conn)
}

// handshake begins to speak RTMP.
func handshake(t testing.TB, conn net.Conn) *client {
	t.Helper()
	c1 := make([]byte, 1537)
	_, _ = rand.Read(c1)
	c1[0] = 3
	_, err := conn.Write(c1)
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 1+2*1536))
	require.NoError(t, err)
	_, err = conn.Write(make([]byte, 1536))
	require.NoError(t, err)
	return &client{t: t, conn: conn, r: chunk.NewReader(conn, nil)}
}

func (c *client) send(m chunk.Message) {
	c.t.Helper()
	_, err := c.conn.Write(chunk.AppendMessage(nil, 3, m, 128))
	require.NoError(c.t, err)
}

func (c *client) command(values ...any) {
	c.t.Helper()
	c.send(chunk.Message{Type: chunk.TypeCommandAMF0, StreamID: 1, Body: amf.Append(nil, values...)})
}

func (c *client) connect(app, tcURL string) {
	c.t.Helper()
	c.command("connect", 1.0, amf.Object{{Key: "app", Value: app}, {Key: "tcUrl", Value: tcURL}})
	c.await("_result")
	c.command("createStream", 2.0, nil)
	require.Equal(c.t, 1.0, c.await("_result")[3])
}

// await reads up to a command of a name and returns its values.
func (c *client) await(name string) []any {
	c.t.Helper()
	for {
		m, err := c.r.Next()
		require.NoError(c.t, err, "waiting for %s", name)
		if m.Type != chunk.TypeCommandAMF0 {
			continue
		}
		values, err := amf.Unmarshal0(m.Body)
		require.NoError(c.t, err)
		if values[0] == name {
			return values
		}
	}
}

// codes reads the codes of all onStatus up to the end of the connection, and what else came.
func (c *client) codes() (codes []string, media int) {
	c.t.Helper()
	for {
		m, err := c.r.Next()
		if err != nil {
			require.False(c.t, errors.Is(err, chunk.ErrProtocol), "%v", err)
			return codes, media
		}
		switch m.Type {
		case chunk.TypeAudio, chunk.TypeVideo:
			media++
		case chunk.TypeCommandAMF0:
			if code := statusCode(m.Body); code != "" {
				codes = append(codes, code)
			}
		}
	}
}

func statusCode(body []byte) string {
	values, err := amf.Unmarshal0(body)
	if err != nil || len(values) < 4 || values[0] != "onStatus" {
		return ""
	}
	return amf.Members(values[3]).String("code")
}

func (c *client) status() string {
	c.t.Helper()
	return amf.Members(c.await("onStatus")[3]).String("code")
}

func (c *client) publish(name string) {
	c.t.Helper()
	c.command("publish", 3.0, nil, name, "live")
	require.Equal(c.t, "NetStream.Publish.Start", c.status())
}

var (
	videoConfig = []byte{0x17, 0, 0, 0, 0, 1, 0x42, 0, 10, 0xff, 0xe0, 0}
	audioConfig = []byte{0xaf, 0, 0x12, 0x10}
)

func picture(i int) chunk.Message {
	kind := byte(0x27)
	if i%10 == 0 {
		kind = 0x17
	}
	return chunk.Message{
		Type: chunk.TypeVideo, StreamID: 1, Timestamp: uint32(i * 40),
		Body: []byte{kind, 1, 0, 0, 0, 0, 0, 0, 3, 0x41, byte(i >> 8), byte(i)},
	}
}

// sendStream sends the configurations and n pictures.
func (c *client) sendStream(n int) {
	c.t.Helper()
	c.send(chunk.Message{Type: chunk.TypeVideo, StreamID: 1, Body: videoConfig})
	c.send(chunk.Message{Type: chunk.TypeAudio, StreamID: 1, Body: audioConfig})
	for i := range n {
		c.send(picture(i))
	}
}

func waitStream(t testing.TB, m *media.Server, key media.StreamKey) *media.Stream {
	t.Helper()
	var st *media.Stream
	require.Eventually(t, func() bool {
		var ok bool
		st, ok = m.Stream(key)
		return ok
	}, patience, time.Millisecond)
	return st
}

func key(name string) media.StreamKey {
	return media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: name}
}

func denying(reason string) hook.Hook {
	return hook.Funcs{
		OnPublish: func(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
			return hook.PublishReply{}, hook.Deny(1, reason)
		},
		OnPlay: func(context.Context, *hook.PlayEvent) error { return hook.Deny(1, reason) },
	}
}
