package rtmp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// A publisher that was admitted and then never says anything must not stay for ever.
func TestPublisherThatNeverSendsIsCut(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{IdleTimeout: 200 * time.Millisecond})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	codes, _ := c.codes()
	require.Empty(t, codes)
	require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
}

// starts reads all commands up to the end and returns those whose code says that something has started.
func (c *client) starts() (list []string, last string) {
	c.t.Helper()
	for {
		m, err := c.r.Next()
		if err != nil {
			return list, last
		}
		if m.Type != chunk.TypeCommandAMF0 {
			continue
		}
		values, err := amf.Unmarshal0(m.Body)
		require.NoError(c.t, err)
		if len(values) < 4 {
			continue
		}
		code := amf.Members(values[3]).String("code")
		if code != "" {
			last = code
		}
		if strings.HasSuffix(code, ".Start") {
			list = append(list, values[0].(string))
		}
	}
}

// Flash-era encoders announce a stream by FCPublish: that is not admitted yet either.
func TestRefusedEncoderSeesNoStart(t *testing.T) {
	_, addr := start(t, media.Config{Hooks: []hook.Hook{denying("bad token")}}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("releaseStream", 3.0, nil, "test")
	c.command("FCPublish", 4.0, nil, "test")
	c.command("publish", 5.0, nil, "test", "live")
	list, last := c.starts()
	require.Empty(t, list)
	require.Equal(t, "NetStream.Publish.BadAuth", last)
}

// One that leaves while a hook thinks is not answered, and the hook is told.
func TestPeerThatLeavesEndsTheDecision(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	asked, ended := make(chan struct{}), make(chan struct{})
	m, addr := start(t, media.Config{Logger: logTo(&log, &mu), Hooks: []hook.Hook{hook.Funcs{
		OnPublish: func(ctx context.Context, _ *hook.PublishEvent) (hook.PublishReply, error) {
			close(asked)
			<-ctx.Done()
			close(ended)
			return hook.PublishReply{}, ctx.Err()
		},
	}}}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("publish", 3.0, nil, "test", "live")
	<-asked
	c.conn.Close()
	<-ended
	require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	require.NotContains(t, log.String(), "level=WARN")
	require.NotContains(t, log.String(), "failed")
}

// What a client has sent behind its command must not make the refusal get lost.
func TestRefusalReachesAPeerThatTalksOn(t *testing.T) {
	_, addr := start(t, media.Config{Hooks: []hook.Hook{denying("no")}}, rtmp.Config{})
	for range 20 {
		c := dial(t, addr)
		c.connect("live", "rtmp://h/live")
		b := chunk.AppendMessage(nil, 3, chunk.Message{Type: chunk.TypeCommandAMF0, StreamID: 1, Body: amf.Append(nil, "publish", 3.0, nil, "x")}, 128)
		for i := range 400 { // more than is read ahead
			b = chunk.AppendMessage(b, 6, picture(i), 128)
		}
		_, err := c.conn.Write(b)
		require.NoError(t, err)
		time.Sleep(5 * time.Millisecond)
		require.Equal(t, "NetStream.Publish.BadAuth", c.status())
		_, err = io.Copy(io.Discard, c.conn)
		require.NoError(t, err, "the connection was reset")
	}
}

// A player that has been told of the end and stays is closed.
func TestPlayerThatStaysAfterTheEndIsClosed(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(3)
	waitStream(t, m, key("test"))
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("play", 4.0, nil, "test")
	require.Equal(t, "NetStream.Play.Reset", c.status())
	pub.command("deleteStream", 5.0, nil, 1.0)
	codes, _ := c.codes()
	require.Equal(t, "NetStream.Play.Stop", codes[len(codes)-1])
	pub.conn.Close()
	require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
}

// What is not known, or cannot be done, is answered and ends nothing.
func TestCommandsThatChangeNothing(t *testing.T) {
	_, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("rpcOfTheirOwn", 7.0, nil, "x")
	require.Equal(t, 7.0, c.await("_error")[1])
	c.command("play2", 0.0, nil, amf.Object{{Key: "streamName", Value: "x"}})
	require.Equal(t, "NetStream.Play.Failed", c.status())
	c.command("seek", 0.0, nil, 1000.0)
	require.Equal(t, "NetStream.Seek.Notify", c.status())
	for _, name := range []string{"receiveAudio", "receiveVideo", "pause", "close", "deleteStream", "unknown without an answer"} {
		c.command(name, 0.0, nil, true)
	}
	c.command("FCSubscribe", 0.0, nil, "x")
	c.await("onFCSubscribe")
	c.command("_checkbw", 8.0, nil)
	require.Equal(t, 8.0, c.await("_result")[1])
	c.command("createStream", 9.0, nil) // some ask twice
	require.Equal(t, []any{9.0, nil, 1.0}, c.await("_result")[1:])
	c.publish("test")
}

// A command of type 17 may switch to AMF3 in each value, and some senders leave out the byte in front.
func TestValuesInAMF3(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	for name, front := range map[string][]byte{"with": {0}, "without": nil} {
		c := dial(t, addr)
		c.connect("live", "rtmp://h/live")
		body := amf.Append(bytes.Clone(front), "publish", 3.0, nil)
		body = append(body, 0x11, 6, byte(len(name)<<1|1))
		body = append(body, name...)
		c.send(chunk.Message{Type: chunk.TypeCommandAMF3, StreamID: 1, Body: body})
		require.Equal(t, "NetStream.Publish.Start", c.status())
		c.sendStream(1)
		waitStream(t, m, key(name))
	}
}

// The handshake counts too.
func TestSessionCountsItsBytes(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	for x := range m.Sessions() {
		received, sent := x.Bytes()
		require.Greater(t, received, uint64(1+2*1536))
		require.Greater(t, sent, uint64(1+2*1536))
	}
	require.Len(t, sessions(m), 1)
}

// A publisher that has closed its stream may publish another on the same connection.
func TestPublisherGoesOnWithAnotherStream(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	for _, name := range []string{"one", "two"} {
		c.publish(name)
		c.sendStream(2)
		waitStream(t, m, key(name))
		c.command("FCUnpublish", 6.0, nil, name)
		c.command("deleteStream", 7.0, nil, 1.0)
		require.Eventually(t, func() bool { _, ok := m.Stream(key(name)); return !ok }, patience, time.Millisecond)
	}
}

// A player that closes its stream while it is behind must never see half a message, whatever follows.
func TestStreamClosedWhileBehindIsNotTorn(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	p, err := m.Publish(context.Background(), media.PublishRequest{Stream: key("big"), Schema: "rtmp"})
	require.NoError(t, err)
	defer p.Close(nil)
	track := &media.Track{ID: 1, Codec: media.H264, ClockRate: 90000, Config: videoConfig[5:]}
	require.NoError(t, p.SetTracks(track))
	write := func(i int) {
		require.NoError(t, p.WritePacket(&media.Packet{Track: track, DTS: time.Duration(i) * 40 * time.Millisecond, PTS: time.Duration(i) * 40 * time.Millisecond, Key: i%10 == 0, Data: make([]byte, 300_000)}))
	}
	write(0)
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("play", 4.0, nil, "big")
	require.Equal(t, "NetStream.Play.Reset", c.status())
	for i := 1; i < 100; i++ {
		write(i)
	}
	time.Sleep(200 * time.Millisecond) // until the socket is full
	c.command("deleteStream", 5.0, nil, 1.0)
	time.Sleep(200 * time.Millisecond)
	require.NoError(t, c.conn.SetReadDeadline(time.Now().Add(6*time.Second)))
	c.command("createStream", 77.0, nil)
	for {
		got, err := c.r.Next()
		if err != nil {
			ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
			require.True(t, ended, "neither an answer nor the end, but the wait for the rest of a message: %v", err)
			return // nothing can be misread
		}
		switch got.Type {
		case chunk.TypeVideo:
			if len(got.Body) > 100 {
				require.Equal(t, make([]byte, 300_000), got.Body[5:], "half a picture and then something else")
			}
		case chunk.TypeCommandAMF0:
			if statusCode(got.Body) == "" {
				return
			}
		}
	}
}
