package main

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// What is published is in a file when the program ends, and the file is printed.
func TestRecords(t *testing.T) {
	defer goleak.VerifyNone(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var printed bytes.Buffer
	dir, done := t.TempDir(), make(chan error, 1)
	go func() { done <- run(ctx, ln, dir, &printed) }()
	publish(t, "rtmp://"+ln.Addr().String()+"/live/door")
	require.Eventually(t, func() bool {
		list, err := filepath.Glob(filepath.Join(dir, "record", "live", "door", "*", "*.mp4"))
		return err == nil && len(list) == 1
	}, time.Minute, 10*time.Millisecond)
	stop()
	require.NoError(t, <-done)
	line := regexp.MustCompile(`^(\S+\.mp4) \S+s \d+\n$`).FindStringSubmatch(printed.String())
	require.NotNil(t, line, printed.String())
	_, err = os.Stat(line[1])
	require.NoError(t, err)
}

// publish sends two seconds of G.711 with an independent client.
func publish(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	c := &gortmplib.Client{URL: u, Publish: true}
	require.NoError(t, c.Initialize(t.Context()))
	defer c.Close()
	track := &gortmplib.Track{Codec: &codecs.G711{MULaw: true, ChannelCount: 1}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{track}}
	require.NoError(t, w.Initialize())
	for at := time.Duration(0); at < 2*time.Second; at += 20 * time.Millisecond {
		require.NoError(t, w.WriteG711(track, at, make([]byte, 160)))
		time.Sleep(5 * time.Millisecond)
	}
}
