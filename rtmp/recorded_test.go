package rtmp_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// fileServer serves one player pictures as fast as it takes them, and tells what buffers that had.
func fileServer(t *testing.T, recorded bool, apart time.Duration) (addr string, buffers chan []time.Duration) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	var b []byte
	say := func(m chunk.Message) { b = chunk.AppendMessage(b, 3, m, 128) }
	command := func(args ...any) { say(chunk.Message{Type: chunk.TypeCommandAMF0, Body: amf.Append(nil, args...)}) }
	b = append([]byte{3}, make([]byte, 2*1536)...)
	command("_result", 1.0, nil, nil)
	command("_result", 2.0, nil, 1.0)
	if recorded {
		say(chunk.Message{Type: chunk.TypeUserControl, Body: []byte{0, 4, 0, 0, 0, 1}})
	}
	command("onStatus", 0.0, nil, amf.Object{{Key: "level", Value: "status"}, {Key: "code", Value: "NetStream.Play.Start"}})
	say(chunk.Message{Type: chunk.TypeVideo, StreamID: 1, Body: videoConfig})
	say(chunk.Message{Type: chunk.TypeAudio, StreamID: 1, Body: audioConfig})
	for i := range 50 {
		m := picture(i)
		m.Timestamp = uint32(time.Duration(i) * apart / time.Millisecond)
		say(m)
	}
	command("onStatus", 0.0, nil, amf.Object{{Key: "level", Value: "status"}, {Key: "code", Value: "NetStream.Play.Stop"}})
	buffers = make(chan []time.Duration, 1)
	go func() {
		var had []time.Duration
		defer func() { buffers <- had }()
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err = c.Write(b); err != nil {
			return
		}
		if _, err = io.CopyN(io.Discard, c, 1+2*1536); err != nil {
			return
		}
		for r := chunk.NewReader(c, nil); ; {
			m, err := r.Next()
			if err != nil {
				return
			}
			if m.Type == chunk.TypeUserControl && len(m.Body) == 10 && m.Body[1] == 3 {
				had = append(had, time.Duration(binary.BigEndian.Uint32(m.Body[6:]))*time.Millisecond)
			}
		}
	}()
	return ln.Addr().String(), buffers
}

// What a server has recorded goes at the pace of its stamps, however fast it comes; what is live goes as it comes.
func TestPullOfRecordings(t *testing.T) {
	m, _ := start(t, media.Config{}, rtmp.Config{})
	for name, c := range map[string]struct {
		recorded bool
		apart    time.Duration // of pictures
		least    time.Duration
		buffers  []time.Duration
	}{
		"recorded": {true, 40 * time.Millisecond, 1900 * time.Millisecond, []time.Duration{time.Minute, 3 * time.Second}},
		"live":     {false, 5 * time.Second, 0, []time.Duration{time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, buffers := fileServer(t, c.recorded, c.apart)
			begun := time.Now()
			err := rtmp.Pull(t.Context(), m, "rtmp://"+addr+"/a/b", media.StreamKey{App: "a", Name: name}, rtmp.ClientConfig{})
			took := time.Since(begun)
			require.ErrorIs(t, err, io.EOF)
			require.GreaterOrEqual(t, took, c.least)
			require.Less(t, took, patience)
			require.Equal(t, c.buffers, <-buffers)
		})
	}
}
