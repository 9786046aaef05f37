package rtmp_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// Whoever was not let in is cut when a message is long; a publisher may send pictures of any size.
func TestLongMessagesAreForPublishers(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{HandshakeTimeout: time.Hour})
	requireCut := func(c *client) {
		t.Helper()
		var err error
		for err == nil {
			_, err = c.r.Next()
		}
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	large := picture(0)
	large.Body = append(large.Body[:5:5], append([]byte{0, 3, 0, 0}, make([]byte, 3<<16)...)...)

	c := dial(t, addr)
	_, _ = c.conn.Write(chunk.AppendMessage(nil, 3, large, 128)) // it may be cut before it is through
	requireCut(c)

	c = dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	c.sendStream(0)
	c.send(large)
	st := waitStream(t, m, key("test"))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 1 }, patience, time.Millisecond)
	c.command("deleteStream", 4.0, nil, 1.0)
	_, _ = c.conn.Write(chunk.AppendMessage(nil, 3, large, 128))
	requireCut(c) // when it has finished it may not any more
}

func TestLongURLs(t *testing.T) {
	m, addr := start(t, media.Config{PlayWait: -1}, rtmp.Config{})
	long := strings.Repeat("x", 8<<10)
	for command, want := range map[string]string{"publish": "NetStream.Publish.BadName", "play": "NetStream.Play.Failed"} {
		for _, name := range []string{"a?" + long + "y", "a?" + long + long} {
			c := dial(t, addr)
			c.connect("live", "rtmp://h/live")
			c.command(command, 3.0, nil, name)
			info := amf.Members(c.await("onStatus")[3])
			require.Equal(t, want, info.String("code"))
			require.Equal(t, "the URL is too long", info.String("description"))
			codes, _ := c.codes()
			require.Empty(t, codes)
		}
	}
	for _, o := range []amf.Object{{{Key: "tcUrl", Value: "rtmp://h/live?" + long}}, {{Key: "app", Value: "live?" + long}}} {
		c := dial(t, addr)
		c.command("connect", 1.0, o)
		require.Equal(t, "NetConnection.Connect.Rejected", amf.Members(c.await("_error")[3]).String("code"))
	}
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("a?" + long)
	c.sendStream(1)
	require.Equal(t, long, waitStream(t, m, key("a")).Source("rtmp").Params, "8 KiB are not too long")
}

// Metadata that is too big is left out, and the stream goes on.
func TestBigMetadata(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	for _, md := range []amf.ECMAArray{{{Key: "title", Value: "a film"}}, {{Key: "title", Value: strings.Repeat("x", 64<<10)}}} {
		c.send(chunk.Message{Type: chunk.TypeDataAMF0, StreamID: 1, Body: amf.Append(nil, "@setDataFrame", "onMetaData", md)})
	}
	c.sendStream(1)
	require.Equal(t, "a film", waitStream(t, m, key("test")).Description().Metadata["title"])
}

// pipes is a listener of connections in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// A publisher whose codecs are all unknown is told so after 15 s, however much it sends; its name is free again, and the
// log names the codecs.
func TestUnusablePublisherIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testlog.Buffer
		m, err := media.New(media.Config{Logger: log.Logger()})
		require.NoError(t, err)
		s, err := rtmp.NewServer(m, rtmp.Config{})
		require.NoError(t, err)
		ln := &pipes{make(chan net.Conn), make(chan struct{})}
		go s.Serve(ln)
		defer func() { require.NoError(t, m.Close()) }()
		client, server := net.Pipe()
		ln.conns <- server
		c := handshake(t, client)
		c.connect("live", "rtmp://h/live")
		c.publish("test")
		begun := time.Now()
		go func() { // until the server closes
			for range 600 {
				for _, m := range []chunk.Message{
					{Type: chunk.TypeVideo, StreamID: 1, Body: []byte{0x14, 1, 2, 3, 4, 5}},
					{Type: chunk.TypeAudio, StreamID: 1, Body: []byte{0xb6, 1, 2, 3}},
				} {
					if _, err := client.Write(chunk.AppendMessage(nil, 3, m, 128)); err != nil {
						return
					}
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		info := amf.Members(c.await("onStatus")[3])
		require.Equal(t, "NetStream.Publish.Failed", info.String("code"))
		require.Equal(t, "error", info.String("level"))
		require.Equal(t, 15*time.Second, time.Since(begun))
		_, err = c.r.Next()
		require.Error(t, err)
		synctest.Wait()
		require.Contains(t, log.String(), "VP6 (4)")
		require.Contains(t, log.String(), "Speex (11)")
		require.Empty(t, sessions(m))
		p, err := m.Publish(t.Context(), media.PublishRequest{Stream: key("test")})
		require.NoError(t, err, "the name is free at once")
		p.Close(nil)
		client.Close()
	})
}
