package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// publish sends G.711 frames with an independent client until ctx ends.
func publish(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	c := &gortmplib.Client{URL: u, Publish: true}
	if err := c.Initialize(ctx); err != nil {
		return err
	}
	defer c.Close()
	track := &gortmplib.Track{Codec: &codecs.G711{MULaw: true, ChannelCount: 1}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{track}}
	if err := w.Initialize(); err != nil {
		return err
	}
	for at := time.Duration(0); ctx.Err() == nil; at += 20 * time.Millisecond {
		if err := w.WriteG711(track, at, make([]byte, 160)); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// describe asks for live/a by RTSP, and returns the first of the reply with its description.
func describe(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "DESCRIBE rtsp://"+address+"/live/a RTSP/1.0\r\nCSeq: 1\r\n\r\n")
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	var text strings.Builder
	for !strings.Contains(text.String(), "\nm=") {
		line, err := r.ReadString('\n')
		require.NoError(t, err, text.String())
		text.WriteString(line)
	}
	return text.String()
}

func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	rtmpPort, rtspPort, httpPort := listen(t), listen(t), listen(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- run(ctx, mux, "s3cret", rtmpPort, rtspPort, httpPort) }()

	base := "http://" + httpPort.Addr().String()
	res, err := http.Get(base + "/hello")
	require.NoError(t, err)
	hello, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "hello\n", string(hello))

	publishing, stop := context.WithCancel(ctx)
	published := make(chan error, 1)
	go func() { published <- publish(publishing, "rtmp://"+rtmpPort.Addr().String()+"/live/a") }()
	res, err = http.Get(base + "/live/a.live.flv") // it waits for the publisher
	require.NoError(t, err)
	head, err := bufio.NewReader(res.Body).Peek(1000)
	require.NoError(t, err)
	require.Equal(t, "FLV", string(head[:3]))
	require.NoError(t, res.Body.Close())
	require.Contains(t, describe(t, rtspPort.Addr().String()), "m=audio")
	res, err = http.Get(base + "/index/api/getMediaList?schema=rtsp&secret=s3cret")
	require.NoError(t, err)
	list, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Contains(t, string(list), `"stream": "a"`)

	stop()
	require.NoError(t, <-published)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	http.DefaultClient.CloseIdleConnections()
}

func TestRunReturnsWhatFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	rtmpPort, rtspPort, httpPort := listen(t), listen(t), listen(t)
	require.NoError(t, rtmpPort.Close())
	err := run(t.Context(), http.NewServeMux(), "", rtmpPort, rtspPort, httpPort)
	require.ErrorIs(t, err, net.ErrClosed)
	require.False(t, errors.Is(err, context.Canceled))
}

// TestReadme keeps the example of the README the same as the code, and as short as it promises to be.
func TestReadme(t *testing.T) {
	code, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, after, found := bytes.Cut(code, []byte("\nfunc run("))
	require.True(t, found)
	body, _, found := bytes.Cut(after, []byte("\n}\n"))
	require.True(t, found)
	function := "func run(" + string(body) + "\n}\n"
	require.LessOrEqual(t, strings.Count(function, "\n")-2, 20)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), function)
}
