package cookbook

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// patience is for a machine that has other things to do.
const patience = time.Minute

// TestPage keeps the page and the files the same: each block of it is a part of one of them.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../cookbook.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*")
	require.NoError(t, err)
	var all []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all = append(all, string(text))
	}
	blocks := regexp.MustCompile("(?ms)^```(go|nginx|caddy)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(blocks), 8)
	for _, block := range blocks {
		found := false
		for _, text := range all {
			found = found || strings.Contains("\n"+text, "\n"+block[2])
		}
		require.True(t, found, "no file holds this as it is:\n%s", block[2])
	}
	require.Equal(t, 2*len(blocks), strings.Count(string(page), "```"), "a block of another kind is tested by nobody")
}

func newMedia(t *testing.T, cfg media.Config) *media.Server {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	m, err := media.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// publishClip plays a clip in a loop until the test ends.
func publishClip(t *testing.T, m *media.Server, key media.StreamKey) *media.Stream {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: key, Schema: "rtmp", Authorized: true})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Play(ctx, pub) }()
	t.Cleanup(func() {
		cancel()
		<-done
		pub.Close(nil)
	})
	_, err = pub.Stream().Tracks(t.Context())
	require.NoError(t, err)
	return pub.Stream()
}

var liveKey = media.StreamKey{App: "live", Name: "a"}

func play(t *testing.T, m *media.Server, from string) (*media.Player, *media.Session, error) {
	t.Helper()
	x := m.NewSession(hook.Session{Protocol: "rtmp", Remote: netip.MustParseAddrPort(from)}, nil)
	t.Cleanup(x.Close)
	p, err := m.Play(t.Context(), media.PlayRequest{Stream: liveKey, Session: x, Schema: "rtmp"})
	if err == nil {
		t.Cleanup(func() { p.Close(nil) })
	}
	return p, x, err
}

func TestViewersAndKicks(t *testing.T) {
	m := newMedia(t, media.Config{})
	st := publishClip(t, m, liveKey)
	_, x, err := play(t, m, "192.0.2.1:5")
	require.NoError(t, err)
	_, other, err := play(t, m, "192.0.2.2:5")
	require.NoError(t, err)
	var out strings.Builder
	printViewers(&out, m, "live", "a")
	require.Contains(t, out.String(), " rtmp 192.0.2.1:5, 0 bytes, 0 packets skipped\n")
	require.Equal(t, 2, strings.Count(out.String(), "\n"))

	require.Equal(t, 1, kickAddress(m, netip.MustParseAddr("192.0.2.1")))
	require.ErrorIs(t, x.Err(), media.ErrKicked)
	require.NoError(t, other.Err())
	require.True(t, kickStream(m, liveKey))
	<-st.Done()
	require.False(t, kickStream(m, liveKey))
}

func TestLimits(t *testing.T) {
	limit := &viewerLimit{most: 1}
	m := newMedia(t, media.Config{Hooks: []hook.Hook{limit}, PlayWait: -1})
	limit.media = m
	publishClip(t, m, liveKey)
	p, _, err := play(t, m, "192.0.2.1:5")
	require.NoError(t, err)
	_, _, err = play(t, m, "192.0.2.1:6")
	denied, ok := hook.Denied(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 1, denied.Code)
	p.Close(nil)
	_, _, err = play(t, m, "192.0.2.1:6")
	require.NoError(t, err)
}

func TestConnectionLimits(t *testing.T) {
	ln := listen(t)
	m, serve, err := limited(ln, http.NotFoundHandler())
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- serve() }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.Eventually(t, func() bool { return m.Connections() == 1 }, patience, time.Millisecond)
	require.NoError(t, ln.Close())
	require.Error(t, <-done)
	require.NoError(t, m.Close())
}

func TestUsers(t *testing.T) {
	m := newMedia(t, media.Config{Hooks: []hook.Hook{users{"ann": "secret"}}, PlayWait: -1})
	address := serveRTSP(t, m)
	publishClip(t, m, liveKey)
	for params, allowed := range map[string]bool{"": false, "user=ann&password=x": false, "user=ann&password=secret": true} {
		p, err := m.Play(t.Context(), media.PlayRequest{Stream: liveKey, Schema: "rtmp", Params: params})
		require.Equal(t, allowed, err == nil, params)
		if err == nil {
			p.Close(nil)
		}
	}
	far := newMedia(t, media.Config{})
	var status *rtsp.StatusError
	err := rtsp.Pull(t.Context(), far, "rtsp://ann:wrong@"+address+"/live/a", liveKey, rtsp.ClientConfig{})
	require.ErrorAs(t, err, &status)
	require.Equal(t, 401, status.Code)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- rtsp.Pull(ctx, far, "rtsp://ann:secret@"+address+"/live/a", liveKey, rtsp.ClientConfig{})
	}()
	seen := make(chan *media.Packet, 1000)
	require.NoError(t, readSome(t, far, liveKey, seen, 3))
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// readSome reads n pictures of a stream.
func readSome(t *testing.T, m *media.Server, key media.StreamKey, seen chan *media.Packet, n int) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- readFrames(ctx, m, key, func(pkt *media.Packet) {
			select {
			case seen <- pkt:
			default:
			}
		})
	}()
	for range n {
		select {
		case <-seen:
		case err := <-failed:
			return err
		}
	}
	cancel()
	<-failed
	return nil
}

func TestFrames(t *testing.T) {
	m := newMedia(t, media.Config{})
	keys := make(chan media.StreamKey, 1000)
	stop := m.Tap(nil, counter(func(key media.StreamKey) { keys <- key }))
	publishClip(t, m, liveKey)
	require.NoError(t, readSome(t, m, liveKey, make(chan *media.Packet, 1000), 10))
	require.Equal(t, "a", (<-keys).Name)
	stop()
}

func TestFigures(t *testing.T) {
	m := newMedia(t, media.Config{})
	publishClip(t, m, liveKey)
	control, err := api.NewHandler(m, api.Options{Secret: "s3cret"})
	require.NoError(t, err)
	mux := http.NewServeMux()
	require.NoError(t, figures(mux, m, control))
	for path, want := range map[string]int{
		"/metrics": http.StatusUnauthorized, "/metrics?secret=s3cret": http.StatusOK, "/healthz": http.StatusOK,
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, want, w.Code, path)
	}
}

func TestTenants(t *testing.T) {
	all := tenants{}
	for _, host := range []string{"a.example", "b.example"} {
		m, err := all.add(host)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, m.Close()) })
		if host == "a.example" {
			publishClip(t, m, liveKey)
		}
	}
	for host, want := range map[string]int{"a.example": http.StatusOK, "c.example": http.StatusNotFound} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodHead, "http://"+host+":8080/live/a.live.flv", nil)
		all.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, host)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

func serveRTSP(t *testing.T, m *media.Server) (address string) {
	t.Helper()
	s, err := rtsp.NewServer(m, rtsp.Config{})
	require.NoError(t, err)
	ln := listen(t)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		<-done
	})
	return ln.Addr().String()
}

func TestCinema(t *testing.T) {
	m := newMedia(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnStreamChanged: func(_ context.Context, ev *hook.StreamChangedEvent) { t.Error("told of", ev.Stream) },
	}}})
	track := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
	f := film{tracks: []*media.Track{track}}
	for i := range 250 {
		at := time.Duration(i) * 40 * time.Millisecond
		f.packets = append(f.packets, &media.Packet{Track: track, DTS: at, PTS: at, Key: i%25 == 0, Data: []byte{byte(i)}})
	}
	defer m.Open(cinema{"tea": f})()
	for range 2 { // each has it from the beginning
		p, err := m.Play(t.Context(), media.PlayRequest{Stream: media.StreamKey{App: "films", Name: "tea"}, Schema: "code"})
		require.NoError(t, err)
		to, err := p.Seek(t.Context(), 5500*time.Millisecond)
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, to)
		batch := make([]*media.Packet, 1)
		_, err = p.Read().ReadBatch(t.Context(), batch)
		require.NoError(t, err)
		require.Equal(t, to, batch[0].DTS)
		for st := range m.Streams() {
			require.Fail(t, "in the registry", st.Key())
		}
		_, listed := m.Session(p.Session().Info().ID)
		require.True(t, listed)
		p.Close(nil)
	}
	_, err := cinema{}.Open(t.Context(), &media.OpenRequest{})
	require.ErrorIs(t, err, hook.ErrNotHandled)
}
