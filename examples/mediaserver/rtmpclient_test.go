package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
)

// rtmpClient is just enough of an RTMP client to publish a clip or to play.
type rtmpClient struct {
	t    *testing.T
	conn net.Conn
	said *screen // what the server has sent
}

// dialRTMP connects and waits until the server has answered the command that a publisher or player sends last, with
// answer in it. stream may have a query.
func dialRTMP(t *testing.T, addr, command, stream, answer string) *rtmpClient {
	t.Helper()
	return dialRTMPApp(t, addr, "live", command, stream, answer)
}

// dialRTMPApp is dialRTMP for streams of another app.
func dialRTMPApp(t *testing.T, addr, app, command, stream, answer string) *rtmpClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	c := &rtmpClient{t, conn, &screen{}}
	c.write(append([]byte{3}, make([]byte, 1536)...))
	_, err = io.ReadFull(conn, make([]byte, 1+2*1536))
	require.NoError(t, err)
	c.write(make([]byte, 1536))
	c.message(1, 0, 0, binary.BigEndian.AppendUint32(nil, 1<<20)) // chunk size
	go func() { _, _ = io.Copy(c.said, conn) }()
	c.message(20, 0, 0, amfValues("connect", 1.0, map[string]string{"app": app, "tcUrl": "rtmp://" + addr + "/" + app}))
	c.message(20, 0, 0, amfValues("createStream", 2.0, nil))
	c.message(20, 1, 0, amfValues(command, 3.0, nil, stream, "live"))
	require.Eventually(t, func() bool { return strings.Contains(c.said.String(), answer) }, limit, time.Millisecond, "no %s", answer)
	return c
}

func (c *rtmpClient) write(b []byte) {
	c.t.Helper()
	_, err := c.conn.Write(b)
	require.NoError(c.t, err)
}

// message sends a message in one chunk.
func (c *rtmpClient) message(kind byte, stream, stamp uint32, body []byte) {
	c.t.Helper()
	n := len(body)
	b := []byte{4, byte(stamp >> 16), byte(stamp >> 8), byte(stamp), byte(n >> 16), byte(n >> 8), byte(n), kind}
	b = binary.LittleEndian.AppendUint32(b, stream)
	c.write(append(b, body...))
}

// publishClip publishes a clip all at once, and stays connected.
func publishClip(t *testing.T, addr, stream string) *rtmpClient {
	t.Helper()
	c := dialRTMP(t, addr, "publish", stream, "NetStream.Publish.Start")
	file := testmedia.H264()[9+4:]
	for len(file) > 11 {
		size := int(file[1])<<16 | int(file[2])<<8 | int(file[3])
		stamp := uint32(file[4])<<16 | uint32(file[5])<<8 | uint32(file[6])
		if body := file[11 : 11+size]; file[0] == 18 {
			c.message(18, 1, 0, append(amfValues("@setDataFrame"), body...))
		} else {
			c.message(file[0], 1, stamp, body)
		}
		file = file[11+size+4:]
	}
	return c
}

// amfValues codes values as AMF0.
func amfValues(values ...any) []byte {
	var b bytes.Buffer
	text := func(s string) {
		_ = binary.Write(&b, binary.BigEndian, uint16(len(s)))
		b.WriteString(s)
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			b.WriteByte(2)
			text(v)
		case float64:
			b.WriteByte(0)
			_ = binary.Write(&b, binary.BigEndian, math.Float64bits(v))
		case map[string]string:
			b.WriteByte(3)
			for name, value := range v {
				text(name)
				b.WriteByte(2)
				text(value)
			}
			b.Write([]byte{0, 0, 9})
		default:
			b.WriteByte(5)
		}
	}
	return b.Bytes()
}
