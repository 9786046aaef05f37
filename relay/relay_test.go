package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// origin is a server with RTMP, RTSP and HTTP.
type origin struct {
	media            *media.Server
	rtmp, rtsp, http string // addresses
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	var ln net.Listener
	require.Eventually(t, func() (ok bool) {
		var err error
		ln, err = net.Listen("tcp", addr)
		return err == nil
	}, patience, 10*time.Millisecond)
	return ln
}

// newOrigin serves on these addresses until the test ends or stop is called.
func newOrigin(t *testing.T, rtmpAddr, rtspAddr string) (o *origin, stop func()) {
	t.Helper()
	m, err := media.New(media.Config{PlayWait: -1})
	require.NoError(t, err)
	return serve(t, m, rtmpAddr, rtspAddr)
}

// serve is newOrigin of a server that there is.
func serve(t *testing.T, m *media.Server, rtmpAddr, rtspAddr string) (o *origin, stop func()) {
	t.Helper()
	a, err := rtmp.NewServer(m, rtmp.Config{})
	require.NoError(t, err)
	b, err := rtsp.NewServer(m, rtsp.Config{})
	require.NoError(t, err)
	h, err := web.NewHandler(m, web.Config{})
	require.NoError(t, err)
	c := &http.Server{Handler: h, ReadHeaderTimeout: patience}
	x, y, z := listen(t, rtmpAddr), listen(t, rtspAddr), listen(t, "127.0.0.1:0")
	served := make(chan error, 3)
	go func() { served <- c.Serve(z) }()
	go func() { served <- a.Serve(x) }()
	go func() { served <- b.Serve(y) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		require.NoError(t, errors.Join(m.Close(), c.Close()))
		for range cap(served) {
			<-served
		}
	}
	t.Cleanup(stop)
	return &origin{m, x.Addr().String(), y.Addr().String(), z.Addr().String()}, stop
}

// publish publishes the clip as live/cam, in real time and for ever, until the server ends.
func (o *origin) publish(t *testing.T) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	pub, err := o.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "cam"}})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Play(context.Background(), pub) // it ends with the stream
	}()
	require.Eventually(t, func() bool {
		_, ok := o.media.Stream(media.StreamKey{App: "live", Name: "cam"})
		return ok
	}, patience, time.Millisecond)
	t.Cleanup(func() {
		pub.Close(nil)
		<-done
	})
}

func newRelay(t *testing.T, cfg Config) (*media.Server, *Relay) {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	r, err := New(m, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m, r
}

var edge = media.StreamKey{VHost: hook.DefaultVHost, App: "edge", Name: "cam"}

// pictures reads so many pictures of a stream, and requires that they are a run of the clip's.
func pictures(t *testing.T, m *media.Server, key media.StreamKey, n int) {
	t.Helper()
	require.Contains(t, clipPictures(t, n), strings.Join(readPictures(t, m, key, func(got []string) bool { return len(got) == n }), ""))
}

// picturesAgain is pictures of a stream whose publisher has come back. The log may begin with what the old one has left: there
// is one seam then, and so many pictures are behind it.
func picturesAgain(t *testing.T, m *media.Server, key media.StreamKey, n int) {
	t.Helper()
	all, seam := clipPictures(t, 2*n), 0
	got := readPictures(t, m, key, func(got []string) bool {
		if !strings.Contains(all, strings.Join(got[seam:], "")) {
			require.Zero(t, seam, "a second seam, after %d pictures", len(got)-1)
			seam = len(got) - 1
		}
		return len(got)-seam == n
	})
	require.Contains(t, all, strings.Join(got[:seam], ""))
}

// clipPictures is what the clip has, at least n pictures behind any of its first repetition.
func clipPictures(t *testing.T, n int) string {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	var all strings.Builder
	for range 2 + n/100 {
		src := c.Source()
		for p, err := src.ReadPacket(t.Context()); !errors.Is(err, io.EOF); p, err = src.ReadPacket(t.Context()) {
			require.NoError(t, err)
			if p.Track.Codec.Video() {
				all.WriteString(picture(p.Data))
			}
		}
	}
	return all.String()
}

// readPictures reads pictures of a stream until enough says so, which sees each once more than the last time.
func readPictures(t *testing.T, m *media.Server, key media.StreamKey, enough func([]string) bool) (got []string) {
	t.Helper()
	var st *media.Stream
	require.Eventually(t, func() (ok bool) {
		st, ok = m.Stream(key)
		return ok
	}, patience, time.Millisecond)
	r := st.Read()
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	batch := make([]*media.Packet, 16)
	for {
		k, err := r.ReadBatch(ctx, batch)
		require.NoError(t, err)
		for _, p := range batch[:k] {
			if !p.Track.Codec.Video() {
				continue
			}
			if got = append(got, picture(p.Data)); enough(got) {
				return got
			}
		}
	}
}

// picture is a picture without what servers may put in front of it: its last bytes.
func picture(data []byte) string { return string(data[max(len(data)-40, 0):]) }

// A stream is pulled and pushed by each protocol, and is what it was.
func TestRelays(t *testing.T) {
	for _, form := range []struct{ proto, suffix string }{
		{"rtmp", ""}, {"rtsp", ""}, {"http", ".live.flv"}, {"http", ".live.ts"}, {"ws", ".live.flv"}, {"http", "/hls.m3u8"},
	} {
		proto := form.proto
		t.Run(proto+form.suffix, func(t *testing.T) {
			o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
			o.publish(t)
			addr := map[string]string{"rtmp": o.rtmp, "rtsp": o.rtsp, "http": o.http, "ws": o.http}[proto]
			m, r := newRelay(t, Config{})
			url := proto + "://user:secret@" + addr + "/live/cam" + form.suffix + "?token=x"
			require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: url}))
			pictures(t, m, edge, 50)
			require.ErrorIs(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: url}), ErrExists)
			st, _ := m.Stream(edge)
			require.Equal(t, hook.OriginPull, st.Source("").Origin)

			back := proto + "://" + addr + "/live/back"
			if form.suffix != "" { // this server takes nothing by it
				err := r.Push(t.Context(), PushRequest{Stream: edge, URL: back})
				if status, ok := errors.AsType[*web.StatusError](err); proto != "ws" {
					require.True(t, ok, err)
					require.Equal(t, 404, status.Code)
				} else {
					require.ErrorIs(t, err, ErrScheme)
				}
				back = "rtmp://" + o.rtmp + "/live/back"
			}
			require.NoError(t, r.Push(t.Context(), PushRequest{Stream: edge, URL: back}))
			pictures(t, o.media, media.StreamKey{App: "live", Name: "back"}, 50)
			for _, list := range [][]Status{r.Pulls(), r.Pushes()} {
				require.Len(t, list, 1)
				require.Equal(t, Playing, list[0].State)
				require.NoError(t, list[0].Err)
				require.Positive(t, list[0].TotalBytes)
				require.NotContains(t, list[0].URL, "secret")
			}
			require.True(t, r.StopPush(r.Pushes()[0].Key))
			require.True(t, r.StopPull(edge.String()))
			require.False(t, r.StopPull(edge.String()))
			require.Empty(t, r.Pulls())
			_, ok := m.Stream(edge)
			require.False(t, ok, "what is removed is gone at once")
		})
	}
}

// Two servers of a network pull a stream that their origin sends once.
func TestPullByMulticast(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	for range 2 {
		m, r := newRelay(t, Config{})
		require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtsp://" + o.rtsp + "/live/cam", Transport: rtsp.Multicast}))
		pictures(t, m, edge, 50)
	}
	said := uint64(0)
	for x := range o.media.Sessions() {
		_, sent := x.Bytes()
		said += sent
	}
	require.Less(t, said, uint64(20_000), "to each there is nothing but answers")
}

// A stream is posted to a server that takes it so, which gets it again when it has been away.
func TestPushByHTTP(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	bodies := make(chan []byte)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b := make([]byte, 50_000)
		_, _ = io.ReadFull(r.Body, b)
		bodies <- b // and hangs up
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	r, err := New(o.media, Config{})
	require.NoError(t, err)
	defer r.Close()
	key := media.StreamKey{App: "live", Name: "cam"}
	require.NoError(t, r.Push(t.Context(), PushRequest{Stream: key, URL: s.URL + "/live/cam.flv"}))
	for range 2 {
		require.Equal(t, "FLV\x01\x05", string((<-bodies)[:5]))
	}
	require.Equal(t, 1, r.Pushes()[0].Retries)
	require.True(t, r.StopPush(r.Pushes()[0].Key))
}

// Who watches stays while the source is away, and sees it again.
func TestComesBack(t *testing.T) {
	for _, proto := range []string{"rtmp", "rtsp"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			o, stop := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
			o.publish(t)
			addr := map[string]string{"rtmp": o.rtmp, "rtsp": o.rtsp}[proto]
			m, r := newRelay(t, Config{})
			require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: proto + "://" + addr + "/live/cam"}))
			st, ok := m.Stream(edge)
			require.True(t, ok)
			viewer, err := m.Play(t.Context(), media.PlayRequest{Stream: edge, Schema: "rtmp"})
			require.NoError(t, err)
			defer viewer.Close(nil)
			stop()
			require.Eventually(t, func() bool { return r.Pulls()[0].State != Playing }, patience, time.Millisecond)
			require.Error(t, r.Pulls()[0].Err)
			again, _ := newOrigin(t, o.rtmp, o.rtsp)
			again.publish(t)
			require.Eventually(t, func() bool { return r.Pulls()[0].State == Playing }, patience, time.Millisecond)
			require.Positive(t, r.Pulls()[0].Retries)
			now, ok := m.Stream(edge)
			require.True(t, ok)
			require.Same(t, st, now, "the viewers have stayed")
			picturesAgain(t, m, edge, 25)
		})
	}
}

// A pull that is removed while its source is away leaves no stream that waits for it; one that somebody else has taken over is his.
func TestRemovedWhileAway(t *testing.T) {
	for name, adopted := range map[string]bool{"waits": false, "adopted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, stop := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
			o.publish(t)
			m, r := newRelay(t, Config{})
			require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtmp://" + o.rtmp + "/live/cam"}))
			stop()
			require.Eventually(t, func() bool { return r.Pulls()[0].State == Dropped }, patience, time.Millisecond)
			_, ok := m.Stream(edge)
			require.True(t, ok, "who watches stays")
			if adopted {
				pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: edge})
				require.NoError(t, err)
				defer pub.Close(nil)
			}
			require.True(t, r.StopPull(edge.String()))
			_, ok = m.Stream(edge)
			require.Equal(t, adopted, ok)
		})
	}
}

// What cannot be pulled is an error of the call, unless it is to be tried again all the same.
func TestFails(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	_, r := newRelay(t, Config{Max: 1})
	for url, want := range map[string]string{
		"rtmp://127.0.0.1:1/live/cam":      "refused",
		"rtsp://127.0.0.1:1/live/cam":      "refused",
		"rtsp://" + o.rtsp + "/live/none":  "404",
		"rtmp://" + o.rtmp + "/live/none":  "StreamNotFound",
		"rtmp://" + o.rtmp + "/live":       "no app and stream",
		"srt://127.0.0.1:9000":             "not supported",
		"file:///etc/passwd":               "not supported",
		"":                                 "not supported",
		"rtmp://169.254.169.254/live/cam":  "not allowed",
		"rtsp://[fe80::1%25lo]/live/cam":   "not allowed",
		"rtsp://0.0.0.0/live/cam":          "not allowed",
		"rtsp://[::ffff:169.254.1.1]/a/b":  "not allowed",
		"rtsp://[64:ff9b::a9fe:101]/a/b":   "not allowed",
		"rtsp://[2002:a9fe:101::]/a/b":     "not allowed",
		"http://100.100.100.200/a/b.flv":   "not allowed",
		"rtsp://user:canary@127.0.0.1:x/a": "not supported",
	} {
		err := r.Pull(t.Context(), PullRequest{Stream: edge, URL: url, Retry: Retry{Timeout: 20 * time.Second}})
		require.ErrorContains(t, err, want, url)
		require.NotContains(t, err.Error(), "canary")
		require.Empty(t, r.Pulls())
	}
	require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtmp://127.0.0.1:1/live/cam", Retry: Retry{Force: true}}))
	require.Equal(t, Failed, r.Pulls()[0].State)
	other := edge
	other.Name = "other"
	require.ErrorIs(t, r.Pull(t.Context(), PullRequest{Stream: other, URL: "rtmp://127.0.0.1:1/live/cam"}), ErrTooMany)
	require.True(t, r.StopPull(edge.String()))
	require.ErrorIs(t, r.Push(t.Context(), PushRequest{Stream: edge, URL: "rtmp://" + o.rtmp + "/live/x"}), media.ErrStreamNotFound)
	require.NoError(t, r.Close())
	require.ErrorIs(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtmp://127.0.0.1:1/live/cam"}), ErrClosed)
}

// Somebody who accepts and says nothing is a failure after the time for it.
func TestSilence(t *testing.T) {
	ln := listen(t, "127.0.0.1:0")
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	_, r := newRelay(t, Config{})
	for _, proto := range []string{"rtmp", "rtsp"} {
		begun := time.Now()
		err := r.Pull(t.Context(), PullRequest{Stream: edge, URL: proto + "://" + ln.Addr().String() + "/a/b", Retry: Retry{Timeout: 300 * time.Millisecond}})
		require.Error(t, err)
		require.Less(t, time.Since(begun), patience)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Pull(ctx, PullRequest{Stream: edge, URL: "rtmp://" + ln.Addr().String() + "/a/b"}), context.Canceled)
	require.Empty(t, r.Pulls())
}

// Delays grow, are never too short or too long, and not all the same.
func TestDelays(t *testing.T) {
	var r Retry
	seen := map[time.Duration]bool{}
	for failures := 1; failures < 100; failures++ {
		d := r.delay(failures)
		require.GreaterOrEqual(t, d, soonest)
		require.LessOrEqual(t, d, latest+step)
		if failures > 25 {
			require.Greater(t, d, latest-step)
		}
		seen[d] = true
	}
	require.Greater(t, len(seen), 50)
	for max, want := range map[int][2]bool{0: {false, false}, -1: {true, true}, 1: {false, true}} {
		r.MaxRetries = max
		require.Equal(t, want, [2]bool{r.exhausted(1), r.exhausted(2)})
	}
}

// The policy of a host goes before the default.
func TestPolicyOfTheHost(t *testing.T) {
	refused := errors.New("not from here")
	_, r := newRelay(t, Config{Allow: func(netip.AddrPort) error { return refused }})
	require.ErrorIs(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtmp://127.0.0.1:1/a/b"}), refused)
}
