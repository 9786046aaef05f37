package web_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// accept stands in a reply for what proves that it is one of WebSocket (RFC 6455, 4.2.2).
const accept = "ACCEPT"

// answer reads a request, gives a reply to it and hangs up.
func answer(conn net.Conn, reply string) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	go func() { _, _ = io.Copy(io.Discard, conn) }() // pongs
	_, _ = io.WriteString(conn, strings.Replace(reply, accept, base64.StdEncoding.EncodeToString(sum[:]), 1))
}

// Whatever a server answers, a pull ends, asks no more than it may, and says in few words why, without the password.
func FuzzPull(f *testing.F) {
	flvBody := string(flvHead) + string(flvTag(9, 0, avcHead...)) + string(flvTag(9, 0, 0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65))
	chunks := fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x;x=y\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", len(flvBody), flvBody)
	switching := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n"
	for _, reply := range []string{
		"HTTP/1.1 200 OK\r\n\r\n" + flvBody, "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n" + flvBody, chunks,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + chunks, "HTTP/1.1 101 Switching Protocols\r\n\r\n" + flvBody,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nFLV", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nFLV", "HTTP/1.1 302 Found\r\nLocation: /y?a=b\r\n\r\n",
		"HTTP/1.1 301 x\r\nLocation: //u:p@[::1]:99999/%zz\r\n\r\n", "HTTP/1.1 307 x\r\nLocation: wss://h/\r\nSet-Cookie: a=b\r\n\r\n",
		"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200\r\nX\r\n y\r\n\r\n", "",
		"HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n",
		"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("G"+strings.Repeat("\xff", 187), 3),
		switching + "\x82\x7e" + string([]byte{byte(len(flvBody) >> 8), byte(len(flvBody))}) + flvBody,
		switching + "\x89\x01x\x82\x03FLV\x88\x02\x03\xe8", switching + "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00FLV",
	} {
		f.Add(reply, false)
		f.Add(reply, true)
	}
	m, err := media.New(media.Config{Logger: slog.New(slog.DiscardHandler), Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, m.Close()) })
	f.Fuzz(func(t *testing.T, reply string, socket bool) {
		from, key := "http://me:pa55w0rd-0f-mine@h/x?token=t0ken-0f-mine", media.StreamKey{App: "edge", Name: "fuzz"}
		if socket {
			from = "ws" + strings.TrimPrefix(from, "http")
		}
		var answering sync.WaitGroup
		defer answering.Wait()
		asked := 0
		var mu sync.Mutex
		cfg := web.ClientConfig{IdleTimeout: 50 * time.Millisecond, DialTimeout: 50 * time.Millisecond}
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			here, there := net.Pipe()
			answering.Go(func() { answer(there, reply) })
			return here, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err := web.Pull(ctx, m, from, key, cfg)
		require.Error(t, err)
		require.Less(t, len(err.Error()), 1000)
		require.NotContains(t, err.Error(), "0f-mine")
		_, live := m.Stream(key)
		require.False(t, live)
		if !strings.Contains(reply, "#EXTM3U") { // whose segments are asked for, too
			mu.Lock()
			defer mu.Unlock()
			require.LessOrEqual(t, asked, 6)
		}
	})
}
