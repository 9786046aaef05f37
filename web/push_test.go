package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// mirror is a server that takes a stream by POST, and gives it to who asks for it by GET.
type mirror struct {
	*httptest.Server
	posted chan *http.Request
	body   *io.PipeReader
	into   *io.PipeWriter
	ended  chan error // how the body ended
}

func newMirror(t *testing.T, secure bool, refuse func(r *http.Request) int) *mirror {
	t.Helper()
	m := &mirror{posted: make(chan *http.Request, 1), ended: make(chan error, 1)}
	m.body, m.into = io.Pipe()
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.Copy(w, m.body)
			return
		}
		if code := refuse(r); code != 0 {
			w.WriteHeader(code)
			return
		}
		m.posted <- r.Clone(context.Background())
		_, err := io.Copy(m.into, r.Body)
		m.into.Close()
		m.ended <- err
	}))
	if secure {
		m.StartTLS()
	} else {
		m.Start()
	}
	t.Cleanup(func() {
		m.body.Close()
		m.Close()
	})
	return m
}

func takes(*http.Request) int { return 0 }

// pushTo pushes live/cam.
func pushTo(t *testing.T, s *server, url string, cfg web.ClientConfig) (ended chan error, playing chan *media.Session, cancel context.CancelCauseFunc) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended, playing = make(chan error, 1), make(chan *media.Session, 1)
	cfg.OnPlaying = func(x *media.Session) { playing <- x }
	go func() { ended <- web.Push(ctx, s.media, camKey, url, cfg) }()
	return ended, playing, cancel
}

var camKey = media.StreamKey{App: "live", Name: "cam"}

// A stream is posted as it is, and ends with either side.
func TestPush(t *testing.T) {
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{}, web.Config{}, nil)
			stop := keepPublishing(t, s.publish(t, "live", "cam", 30), 30)
			to := newMirror(t, secure, takes)
			cfg := web.ClientConfig{}
			if secure {
				cfg.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: to.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
			}
			ended, playing, _ := pushTo(t, s, strings.Replace(to.URL, "://", "://ann:pw@", 1)+"/live/x.flv?a=b", cfg)
			r := <-to.posted
			require.Equal(t, "/live/x.flv?a=b", r.RequestURI)
			require.Equal(t, "video/x-flv", r.Header.Get("Content-Type"))
			require.Equal(t, []string{"chunked"}, r.TransferEncoding)
			user, password, _ := r.BasicAuth()
			require.Equal(t, "ann:pw", user+":"+password)
			p := pull(t, to.URL+"/live/x.flv", web.ClientConfig{TLSConfig: cfg.TLSConfig})
			p.requirePictures(t, 50, 0)
			x := <-playing
			_, sent := x.Bytes()
			require.NotZero(t, sent)
			require.Equal(t, "cam", x.Player().Stream().Key().Name)
			stop()
			require.ErrorIs(t, <-ended, io.EOF)
			require.NoError(t, <-to.ended, "the body is whole")
			p.requireEnd(t, io.EOF)
			require.ErrorIs(t, web.Push(t.Context(), s.media, camKey, to.URL, cfg), media.ErrStreamNotFound)
		})
	}
}

func TestPushEnds(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	keepPublishing(t, s.publish(t, "live", "cam", 30), 30)
	begin := func() (*mirror, chan error, *media.Session, context.CancelCauseFunc) {
		to := newMirror(t, false, takes)
		go func() { _, _ = io.Copy(io.Discard, to.body) }()
		ended, playing, cancel := pushTo(t, s, to.URL+"/x.flv", web.ClientConfig{})
		return to, ended, <-playing, cancel
	}
	gone := errors.New("enough")
	_, ended, _, cancel := begin()
	cancel(gone)
	require.ErrorIs(t, <-ended, gone)

	_, ended, x, _ := begin()
	x.Kick(media.ErrKicked)
	require.ErrorIs(t, <-ended, media.ErrKicked)

	to, ended, _, _ := begin()
	to.CloseClientConnections()
	require.ErrorContains(t, <-ended, "")
	require.NotErrorIs(t, <-to.ended, io.EOF)
}

// Who does not take a stream is quoted, also if he says so late.
func TestPushIsRefused(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	keepPublishing(t, s.publish(t, "live", "cam", 30), 30)
	refused := func(url string, code int) {
		t.Helper()
		ended, playing, _ := pushTo(t, s, url, web.ClientConfig{DialTimeout: patience})
		var status *web.StatusError
		require.ErrorAs(t, <-ended, &status)
		require.Equal(t, code, status.Code)
		require.Empty(t, playing, "before anything is sent")
	}
	for _, code := range []int{302, 401, 404, 405, 503} {
		refused(newMirror(t, false, func(*http.Request) int { return code }).URL, code)
	}
	refused("http://"+s.addr+"/live/other.flv", 404) // a server of ours takes nothing so
	for _, bad := range []string{"ws://" + s.addr, "ftp://" + s.addr, "http://%zz", ""} {
		require.Error(t, web.Push(t.Context(), s.media, camKey, bad, web.ClientConfig{}))
	}
	audio := s.publish(t, "live", "other", 0)
	require.NoError(t, audio.SetTracks(&media.Track{ID: 1, Codec: media.RawRTP, ClockRate: 90000}))
	other := media.StreamKey{App: "live", Name: "other"}
	require.ErrorIs(t, web.Push(t.Context(), s.media, other, "http://"+s.addr, web.ClientConfig{}), media.ErrUnknownTrack)
}

// raw answers one connection, and says what came.
func raw(t *testing.T, answer func(conn net.Conn, r *bufio.Reader)) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		for line := ""; line != "\r\n" && err == nil; {
			line, err = r.ReadString('\n')
		}
		answer(conn, r)
	})
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	return "http://" + ln.Addr().String() + "/x.flv"
}

// Servers answer before the body, in the middle of it, or not at all, and some never end what they say.
func TestPushToOddServers(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	keepPublishing(t, s.publish(t, "live", "cam", 30), 30)
	takesSome := func(r *bufio.Reader) { _, _ = io.CopyN(io.Discard, r, 20_000) }
	for name, c := range map[string]struct {
		answer func(conn net.Conn, r *bufio.Reader)
		want   string
		plays  bool
	}{
		"silent": {func(_ net.Conn, r *bufio.Reader) { takesSome(r) }, "", true},
		"early 200": {func(conn net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			takesSome(r)
		}, "", true},
		"late refusal": {func(conn net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			takesSome(r)
			_, _ = io.WriteString(conn, "HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, r)
		}, "507", true},
		"no HTTP": {func(conn net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(conn, "RTSP/1.0 400 Bad Request\r\n\r\n")
			_, _ = io.Copy(io.Discard, r)
		}, "hung up", false},
		"endless head": {func(conn net.Conn, _ *bufio.Reader) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			}
		}, "longer than", true},
		"hang-up": {func(net.Conn, *bufio.Reader) {}, "hung up", false},
	} {
		t.Run(name, func(t *testing.T) {
			ended, playing, _ := pushTo(t, s, raw(t, c.answer), web.ClientConfig{DialTimeout: patience})
			select {
			case err := <-ended:
				require.ErrorContains(t, err, c.want)
			case <-time.After(patience):
				t.Fatal("it does not end")
			}
			if name != "endless head" { // it may be over before
				require.Equal(t, c.plays, len(playing) == 1)
			}
		})
	}
}
