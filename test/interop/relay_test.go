package interop

import (
	"context"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/web"
)

// endsAtOnce is of a server whose streams do not wait for a publisher that has gone.
func endsAtOnce() media.Config {
	return media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}
}

// puller pulls a stream from somewhere, and tells when it plays.
type puller func(ctx context.Context, m *media.Server, key media.StreamKey, playing func(*media.Session)) error

// stillFor is how long nothing may come of what is pulled: some servers do not say that a stream has ended.
const stillFor = 8 * time.Second

func webPull(from string) puller {
	return func(ctx context.Context, m *media.Server, key media.StreamKey, playing func(*media.Session)) error {
		return web.Pull(ctx, m, from, key, web.ClientConfig{OnPlaying: playing, IdleTimeout: stillFor})
	}
}

func rtmpPull(from string) puller {
	return func(ctx context.Context, m *media.Server, key media.StreamKey, playing func(*media.Session)) error {
		return rtmp.Pull(ctx, m, from, key, rtmp.ClientConfig{OnPlaying: playing, IdleTimeout: stillFor})
	}
}

// pullAll pulls streams to a server, each by a name, and reads them there.
func pullAll(ctx context.Context, t *testing.T, s *server, pulls map[string]puller) map[string]chan *result {
	t.Helper()
	results := map[string]chan *result{}
	for name, pull := range pulls {
		done := make(chan *result, 1)
		results[name] = done
		go func() { done <- pullAndRead(ctx, t, s, name, pull) }()
	}
	return results
}

// pullAndRead pulls a stream to a server, where an ffmpeg reads it. It may not be there yet.
func pullAndRead(ctx context.Context, t *testing.T, s *server, name string, pull puller) *result {
	key := media.StreamKey{App: "live", Name: name}
	read := make(chan *result, 1)
	for began := false; ; {
		err := pull(ctx, s.media, key, func(*media.Session) {
			began = true
			go func() { read <- readBack(ctx, t, s, "/live/"+url.PathEscape(name)) }()
		})
		switch {
		case began:
			r := <-read
			r.ended = err
			return r
		case ctx.Err() != nil:
			return &result{err: err}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// readBack reads a stream of a server to its end by an ffmpeg.
func readBack(ctx context.Context, t *testing.T, s *server, path string) *result {
	here := *s
	here.path = path
	reads := copier("ffmpeg", "out.ts", (*server).tsURL, "ffmpeg")
	r := &result{reader: reads, path: filepath.Join(t.TempDir(), reads.file)}
	r.err = reads.read(ctx, &here, r.path)
	return r
}

// pusher pushes a stream to somewhere.
type pusher func(ctx context.Context, m *media.Server, key media.StreamKey) error

func rtmpPush(to string) pusher {
	return func(ctx context.Context, m *media.Server, key media.StreamKey) error {
		return rtmp.Push(ctx, m, key, to, rtmp.ClientConfig{})
	}
}

// pushClip publishes a clip to a server that pushes it to another, to its end.
func (s *server) pushClip(ctx context.Context, t *testing.T, source *clip, push pusher) {
	t.Helper()
	p := background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
	s.awaitFrom(ctx, t, p)
	err := push(ctx, s.media, testKey())
	t.Logf("the push ended with %v", err)
	require.NoError(t, ctx.Err())
	require.NoError(t, p.wait())
}

// awaitPort waits until a server listens.
func awaitPort(ctx context.Context, t *testing.T, p *process, address string) {
	t.Helper()
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			require.NoError(t, conn.Close())
			return
		}
		select {
		case <-p.ended:
			require.Fail(t, "it has ended", "%v", p.err)
		case <-ctx.Done():
			require.Fail(t, "it does not listen", "%s", p.out)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
