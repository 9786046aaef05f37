package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// relay starts a second server, for what is pulled from or pushed by the first.
func relay(t *testing.T, cfg rtsp.Config) (*media.Server, string) {
	t.Helper()
	return start(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}, cfg)
}

// requireMedia waits for so many pictures and audio frames of live/test.
func requireMedia(t *testing.T, m *media.Server, pictures int) {
	t.Helper()
	st := await(t, m)
	r := st.Read()
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dst := make([]*media.Packet, 64)
	video, audio := 0, 0
	last := map[int]time.Duration{}
	for video < pictures || audio < pictures {
		n, err := r.ReadBatch(ctx, dst)
		require.NoError(t, err, "%d pictures, %d audio frames", video, audio)
		for _, p := range dst[:n] {
			if before, seen := last[p.Track.ID]; seen {
				require.Greater(t, p.DTS, before)
			}
			require.GreaterOrEqual(t, p.PTS, p.DTS)
			last[p.Track.ID] = p.DTS
			if p.Track.Codec.Video() {
				video++
			} else {
				audio++
			}
		}
	}
}

func TestPull(t *testing.T) {
	for name, transport := range map[string]rtsp.Transport{"any": rtsp.AnyTransport, "TCP": rtsp.TCP, "UDP": rtsp.UDP} {
		t.Run(name, func(t *testing.T) {
			from, addr := start(t, media.Config{Hooks: []hook.Hook{&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}}}, rtsp.Config{})
			stop := publishClip(t, from)
			to, _ := relay(t, rtsp.Config{})
			pulled := make(chan error, 1)
			go func() {
				pulled <- rtsp.Pull(context.Background(), to, "rtsp://ann:pw@"+addr+"/live/test", testKey, rtsp.ClientConfig{Transport: transport})
			}()
			requireMedia(t, to, 30)
			st, _ := to.Stream(testKey)
			require.Equal(t, hook.OriginPull, st.Source("rtsp").Origin)
			stop()
			select {
			case err := <-pulled:
				require.Error(t, err)
			case <-time.After(patience):
				t.Fatal("the pull goes on")
			}
		})
	}
}

func TestPullEnds(t *testing.T) {
	from, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, from)
	to, _ := relay(t, rtsp.Config{})
	url := "rtsp://" + addr + "/live/test"
	ctx, cancel := context.WithCancel(t.Context())
	pulled := make(chan error, 1)
	go func() { pulled <- rtsp.Pull(ctx, to, url, testKey, rtsp.ClientConfig{}) }()
	requireMedia(t, to, 5)
	require.ErrorIs(t, rtsp.Pull(ctx, to, url, testKey, rtsp.ClientConfig{}), media.ErrStreamExists)
	cancel()
	require.ErrorIs(t, <-pulled, context.Canceled)

	playing := make(chan *media.Stream, 1)
	go func() {
		pulled <- rtsp.Pull(t.Context(), to, url, testKey, rtsp.ClientConfig{OnPlaying: func(x *media.Session) {
			playing <- x.Publisher().Stream()
			panic("a user's code")
		}})
	}()
	requireMedia(t, to, 5)
	st, _ := to.Stream(testKey)
	require.Same(t, st, <-playing)
	st.Kick(media.ErrKicked)
	require.ErrorIs(t, <-pulled, media.ErrKicked)

	for _, bad := range []string{"http://h/x", "rtsp://127.0.0.1:1/x", "rtsp://%zz", ""} {
		require.Error(t, rtsp.Pull(t.Context(), to, bad, testKey, rtsp.ClientConfig{}))
	}
	refused, ok := errors.AsType[*rtsp.StatusError](rtsp.Pull(t.Context(), from, "rtsp://"+addr+"/live", testKey, rtsp.ClientConfig{}))
	require.True(t, ok)
	require.Equal(t, 404, refused.Code)
}

func TestPush(t *testing.T) {
	for name, transport := range map[string]rtsp.Transport{"TCP": rtsp.TCP, "UDP": rtsp.UDP} {
		t.Run(name, func(t *testing.T) {
			from, _ := start(t, media.Config{}, rtsp.Config{})
			stop := publishClip(t, from)
			to, addr := relay(t, rtsp.Config{})
			pushed, playing := make(chan error, 1), make(chan *media.Stream, 1)
			go func() {
				pushed <- rtsp.Push(t.Context(), from, testKey, "rtsp://"+addr+"/live/test", rtsp.ClientConfig{
					Transport: transport, OnPlaying: func(x *media.Session) { playing <- x.Player().Stream() },
				})
			}()
			requireMedia(t, to, 30)
			st := <-playing
			require.Equal(t, testKey, st.Key())
			_, readers := st.Readers("rtsp")
			require.Equal(t, 1, readers, "who is pushed to watches")
			_, sent := pushSession(t, from).Bytes()
			require.NotZero(t, sent)
			stop()
			require.ErrorIs(t, <-pushed, io.EOF)
			require.Eventually(t, func() bool { _, ok := to.Stream(testKey); return !ok }, patience, 10*time.Millisecond)
			require.ErrorIs(t, rtsp.Push(t.Context(), from, testKey, "rtsp://"+addr+"/live/test", rtsp.ClientConfig{}), media.ErrStreamNotFound)
		})
	}
}

// pushSession returns the one of who is pushed to.
func pushSession(t *testing.T, m *media.Server) *media.Session {
	t.Helper()
	for x := range m.Sessions() {
		if x.Player() != nil {
			return x
		}
	}
	t.Fatal("nobody watches")
	return nil
}

// Who is pushed to can be kicked, as any other viewer.
func TestPushIsKicked(t *testing.T) {
	from, _ := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, from)
	to, addr := relay(t, rtsp.Config{})
	pushed := make(chan error, 1)
	go func() {
		pushed <- rtsp.Push(t.Context(), from, testKey, "rtsp://"+addr+"/live/test", rtsp.ClientConfig{})
	}()
	requireMedia(t, to, 5)
	st, _ := from.Stream(testKey)
	pushSession(t, from).Kick(media.ErrKicked)
	require.ErrorIs(t, <-pushed, media.ErrKicked)
	_, readers := st.Readers("rtsp")
	require.Zero(t, readers)
}

// oddServer answers as it is told, and sends G.711 once it was asked to play.
type oddServer struct {
	sdp   string
	setup func(request string) string // status line and headers but CSeq
	frame byte                        // the channel media comes on
}

func (o oddServer) serve(t *testing.T) string {
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
		o.answer(conn)
	})
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	return ln.Addr().String()
}

func (o oddServer) answer(conn net.Conn) {
	b := make([]byte, 8192)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		text := string(b[:n])
		method, _, _ := strings.Cut(text, " ")
		head, body := "RTSP/1.0 200 OK", ""
		switch method {
		case "DESCRIBE":
			body = o.sdp
		case "SETUP":
			head = o.setup(text)
		}
		res := head + "\r\nCSeq: " + header(text, "CSeq") + "\r\n"
		if body != "" {
			res += fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
		if _, err := conn.Write([]byte(res + "\r\n" + body)); err != nil {
			return
		}
		if method == "PLAY" {
			break
		}
	}
	for i := 0; ; i++ {
		packet := append([]byte{0x80, 8, byte(i >> 8), byte(i), 0, byte(i * 160 >> 16), byte(i * 160 >> 8), byte(i * 160), 0, 0, 0, 1}, make([]byte, 160)...)
		if _, err := conn.Write(append([]byte{'$', o.frame, 0, byte(len(packet))}, packet...)); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Servers that answer SETUP oddly play all the same.
func TestOddServers(t *testing.T) {
	const plain = "v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:track1\r\n"
	tries := 0
	for name, c := range map[string]struct {
		server    oddServer
		transport rtsp.Transport
	}{
		"no Transport":           {oddServer{plain, func(string) string { return "RTSP/1.0 200 OK\r\nSession: 1" }, 0}, rtsp.TCP},
		"no interleaved ids":     {oddServer{plain, func(string) string { return "RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;unicast" }, 0}, rtsp.TCP},
		"other interleaved ids":  {oddServer{plain, func(string) string { return "RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;interleaved=6-7" }, 6}, rtsp.TCP},
		"session with a timeout": {oddServer{plain, func(string) string { return "RTSP/1.0 200 OK\r\nSession:  12 ; Timeout=5" }, 0}, rtsp.TCP},
		"461, then TCP": {oddServer{plain, func(r string) string {
			if tries++; strings.Contains(r, "client_port") {
				return "RTSP/1.0 461 Unsupported Transport"
			}
			return "RTSP/1.0 200 OK\r\nSession: 1"
		}, 0}, rtsp.UDP},
		"TCP though UDP was asked for": {oddServer{plain, func(string) string {
			return "RTSP/1.0 200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1"
		}, 0}, rtsp.UDP},
		"unusable media besides": {oddServer{"m=foo\r\nm=video 0 RTP/AVP 99\r\n" + plain, func(string) string { return "RTSP/1.0 200 OK\r\nSession: 1" }, 0}, rtsp.TCP},
	} {
		t.Run(name, func(t *testing.T) {
			addr := c.server.serve(t)
			m, _ := start(t, media.Config{}, rtsp.Config{})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			pulled := make(chan error, 1)
			begun := time.Now()
			go func() {
				pulled <- rtsp.Pull(ctx, m, "rtsp://"+addr+"/x", testKey, rtsp.ClientConfig{Transport: c.transport})
			}()
			st := await(t, m)
			r := st.Read()
			defer r.Close()
			n, err := r.ReadBatch(ctx, make([]*media.Packet, 1))
			require.NoError(t, err)
			require.Equal(t, 1, n)
			t.Logf("played after %v", time.Since(begun))
			cancel()
			require.Error(t, <-pulled)
		})
	}
}
