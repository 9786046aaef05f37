package rtmp_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// A server that takes a stream and hangs up, as node-media-server does when it has one of that name, is no end of the stream.
func TestPushThatIsHungUpOn(t *testing.T) {
	m, _ := start(t, media.Config{}, rtmp.Config{})
	publishFilm(t, m)
	waitStream(t, m, filmKey)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	command := func(args ...any) []byte {
		return chunk.AppendMessage(nil, 3, chunk.Message{Type: chunk.TypeCommandAMF0, Body: amf.Append(nil, args...)}, 128)
	}
	b := append([]byte{3}, make([]byte, 2*1536)...)
	b = append(b, command("_result", 1.0, nil, nil)...)
	b = append(b, command("_result", 4.0, nil, 1.0)...)
	b = append(b, command("onStatus", 0.0, nil, amf.Object{{Key: "level", Value: "status"}, {Key: "code", Value: "NetStream.Publish.Start"}})...)
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err = c.Write(b); err != nil {
				return err
			}
			if err = c.(*net.TCPConn).CloseWrite(); err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, c)
			return err
		}()
	}()
	err = rtmp.Push(t.Context(), m, filmKey, "rtmp://"+ln.Addr().String()+"/live/test", rtmp.ClientConfig{})
	require.ErrorContains(t, err, "the server has ended")
	<-done
}
