package publish

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// heard is what a server got of one stream.
type heard struct {
	key    string
	stamps []time.Duration
}

// hear accepts one publisher and follows its pictures until want came.
func hear(c net.Conn, want int) (heard, error) {
	server := &gortmplib.ServerConn{RW: c}
	if err := server.Initialize(); err != nil {
		return heard{}, err
	}
	if err := server.Accept(); err != nil {
		return heard{}, err
	}
	h := heard{key: server.URL.Path}
	r := &gortmplib.Reader{Conn: server}
	if err := r.Initialize(); err != nil {
		return h, err
	}
	if len(r.Tracks()) != 2 {
		return h, errors.New("not two tracks")
	}
	r.OnDataH264(r.Tracks()[0], func(_, dts time.Duration, _ [][]byte) { h.stamps = append(h.stamps, dts) })
	r.OnDataMPEG4Audio(r.Tracks()[1], func(time.Duration, []byte) {})
	for len(h.stamps) < want {
		if err := r.Read(); err != nil {
			return h, err
		}
	}
	return h, nil
}

func TestPublishRTMP(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	const streams, pictures = 2, 25
	results := make(chan heard, streams)
	faults := make(chan error, streams)
	release := make(chan struct{})
	var servers sync.WaitGroup
	for range streams {
		servers.Go(func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			h, err := hear(c, pictures)
			if err != nil {
				faults <- err
				return
			}
			results <- h
			<-release
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	u := &url.URL{Scheme: "rtmp", Host: l.Addr().String(), Path: "/live/a"}
	go func() { done <- Run(ctx, Config{Proto: "rtmp", URL: u, N: streams, Clip: file(70_000)}, func() {}) }()
	var keys []string
	for range streams {
		select {
		case h := <-results:
			keys = append(keys, h.key)
			for i := 1; i < len(h.stamps); i++ {
				require.Equal(t, 40*time.Millisecond, h.stamps[i]-h.stamps[i-1], "the stamps go on across passes")
			}
		case err := <-faults:
			require.NoError(t, err)
		}
	}
	require.ElementsMatch(t, []string{"/live/a-0", "/live/a-1"}, keys)
	cancel()
	require.NoError(t, <-done)
	close(release)
	servers.Wait()
}
