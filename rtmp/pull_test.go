package rtmp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// publishFilm publishes a clip as live/film in real time until the returned function is called.
func publishFilm(t *testing.T, m *media.Server) (stop func()) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264B()))
	require.NoError(t, err)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: filmKey, Schema: "rtmp"})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Play(context.Background(), pub) // it ends with the stream
	}()
	stop = func() {
		pub.Close(nil)
		<-done
	}
	t.Cleanup(stop)
	return stop
}

var filmKey = media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "film"}

// hear reads so many packets of a stream.
func hear(t *testing.T, st *media.Stream, n int) (list []*media.Packet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := st.Read()
	defer r.Close()
	batch := make([]*media.Packet, 16)
	for len(list) < n {
		k, err := r.ReadBatch(ctx, batch)
		require.NoError(t, err)
		list = append(list, batch[:k]...)
	}
	return list
}

// What is pulled or pushed is what it was, packet by packet, and ends with the other side.
func TestPullAndPush(t *testing.T) {
	from, addr := start(t, media.Config{PlayWait: -1}, rtmp.Config{})
	stop := publishFilm(t, from)
	to, _ := start(t, media.Config{}, rtmp.Config{})
	playing, pulled := make(chan *media.Session, 1), make(chan error, 1)
	copied := media.StreamKey{VHost: hook.DefaultVHost, App: "copy", Name: "film"}
	go func() {
		pulled <- rtmp.Pull(t.Context(), to, "rtmp://"+addr+"/live/film?token=1", copied, rtmp.ClientConfig{OnPlaying: func(x *media.Session) {
			playing <- x
			panic("a user's code")
		}})
	}()
	x := <-playing
	st := x.Publisher().Stream()
	require.Equal(t, copied, st.Key())
	want := map[string]*media.Packet{}
	original, _ := from.Stream(filmKey)
	for _, p := range hear(t, original, 300) {
		want[string(p.Data)] = p
	}
	shift, known := time.Duration(0), false
	for _, p := range hear(t, st, 100) {
		w := want[string(p.Data)]
		if w == nil {
			continue // from before
		}
		if !known {
			shift, known = p.DTS-w.DTS, true
		}
		require.InDelta(t, w.DTS+shift, p.DTS, float64(3*time.Millisecond))
		require.InDelta(t, w.PTS-w.DTS, p.PTS-p.DTS, float64(time.Millisecond))
		require.Equal(t, w.Key, p.Key)
	}
	require.True(t, known)
	received, _ := x.Bytes()
	require.Positive(t, received)

	pushed, taken := make(chan error, 1), make(chan *media.Session, 1)
	go func() {
		pushed <- rtmp.Push(t.Context(), to, copied, "rtmp://"+addr+"/back/film", rtmp.ClientConfig{OnPlaying: func(x *media.Session) { taken <- x }})
	}()
	require.Equal(t, copied, (<-taken).Player().Stream().Key())
	back := media.StreamKey{VHost: hook.DefaultVHost, App: "back", Name: "film"}
	require.Eventually(t, func() bool { _, ok := from.Stream(back); return ok }, patience, time.Millisecond)
	again, _ := from.Stream(back)
	require.Len(t, again.Description().Tracks, 2)
	hear(t, again, 50)
	stop()
	require.ErrorIs(t, <-pulled, io.EOF)
	st.Kick(media.ErrKicked)
	require.Error(t, <-pushed)
	require.Eventually(t, func() bool { _, ok := from.Stream(back); return !ok }, patience, time.Millisecond)
}

// Who refuses says why.
func TestRefusedClients(t *testing.T) {
	refuse := refuser{errors.New("not you")}
	m, addr := start(t, media.Config{PlayWait: -1, Hooks: []hook.Hook{refuse}}, rtmp.Config{})
	publishFilm(t, m)
	for url, code := range map[string]string{"/live/none": "NetStream.Play.StreamNotFound", "/live/film": "NetStream.Play.BadAuth"} {
		err := rtmp.Pull(t.Context(), m, "rtmp://"+addr+url, media.StreamKey{App: "a", Name: "b"}, rtmp.ClientConfig{})
		refused, ok := errors.AsType[*rtmp.StatusError](err)
		require.True(t, ok, err)
		require.Equal(t, "play", refused.Command)
		require.Equal(t, code, refused.Code)
	}
	err := rtmp.Push(t.Context(), m, filmKey, "rtmp://"+addr+"/live/film", rtmp.ClientConfig{})
	refused, ok := errors.AsType[*rtmp.StatusError](err)
	require.True(t, ok, err)
	require.Equal(t, "NetStream.Publish.BadName", refused.Code)
	require.ErrorIs(t, rtmp.Push(t.Context(), m, media.StreamKey{App: "no", Name: "no"}, "rtmp://"+addr+"/a/b", rtmp.ClientConfig{}), media.ErrStreamNotFound)
	for _, bad := range []string{"http://h/a/b", "rtmp://h/", "rtmp://h/a", "rtmp://%zz", "", "rtmp://127.0.0.1:1/a/b"} {
		require.Error(t, rtmp.Pull(t.Context(), m, bad, filmKey, rtmp.ClientConfig{}), bad)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	require.ErrorIs(t, rtmp.Pull(ctx, m, "rtmp://"+silent(t)+"/a/b", filmKey, rtmp.ClientConfig{}), context.Canceled)
}

type refuser struct{ err error }

var _ hook.PlayHook = refuser{}

func (r refuser) OnPlay(_ context.Context, ev *hook.PlayEvent) error {
	if ev.Stream == filmKey {
		return r.err
	}
	return nil
}

// silent accepts connections, and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return ln.Addr().String()
}

// A server that pings and sends no media is idle.
func TestPingsAreNoMedia(t *testing.T) {
	m, _ := start(t, media.Config{}, rtmp.Config{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		command := func(args ...any) []byte {
			return chunk.AppendMessage(nil, 3, chunk.Message{Type: chunk.TypeCommandAMF0, Body: amf.Append(nil, args...)}, 128)
		}
		b := append([]byte{3}, make([]byte, 2*1536)...)
		b = append(b, command("_result", 1.0, nil, nil)...)
		b = append(b, command("_result", 2.0, nil, 1.0)...)
		b = append(b, command("onStatus", 0.0, nil, amf.Object{{Key: "level", Value: "status"}, {Key: "code", Value: "NetStream.Play.Start"}})...)
		ping := chunk.AppendMessage(nil, 2, chunk.Message{Type: chunk.TypeUserControl, Body: []byte{0, 6, 0, 0, 0, 1}}, 128)
		go func() { _, _ = io.Copy(io.Discard, c) }()
		for _, err := c.Write(b); err == nil; _, err = c.Write(ping) {
			time.Sleep(20 * time.Millisecond)
		}
	}()
	err = rtmp.Pull(t.Context(), m, "rtmp://"+ln.Addr().String()+"/a/b", media.StreamKey{App: "a", Name: "b"}, rtmp.ClientConfig{IdleTimeout: 400 * time.Millisecond})
	require.ErrorContains(t, err, "no media")
	<-done
}

// A server that says anything at all harms nobody: each of these ends the pull with an error, soon.
func TestHostileServers(t *testing.T) {
	m, _ := start(t, media.Config{}, rtmp.Config{})
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	result := func(args ...any) []byte {
		return chunk.AppendMessage(nil, 3, chunk.Message{Type: chunk.TypeCommandAMF0, Body: amf.Append(nil, args...)}, 128)
	}
	for name, say := range map[string][]byte{
		"nothing":            {},
		"another version":    append([]byte{6}, make([]byte, 2*1536)...),
		"no chunks":          append(bytes.Clone(hello), bytes.Repeat([]byte{0xff}, 4096)...),
		"a long message":     append(bytes.Clone(hello), chunk.AppendHeader(nil, 3, chunk.TypeCommandAMF0, 0, 0, 10<<20)...),
		"an error":           append(bytes.Clone(hello), result("_error", 1.0, nil, nil)...),
		"a stream of no use": append(append(bytes.Clone(hello), result("_result", 1.0, nil, nil)...), result("_result", 2.0, nil, "x")...),
		"a stream below 1":   append(append(bytes.Clone(hello), result("_result", 1.0, nil, nil)...), result("_result", 2.0, nil, -1.0)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			done := make(chan struct{})
			go func() {
				defer close(done)
				c, err := ln.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = c.Write(say)
				_ = c.SetReadDeadline(time.Now().Add(time.Second))
				_, _ = io.Copy(io.Discard, c)
			}()
			key := media.StreamKey{App: "a", Name: name}
			require.Error(t, rtmp.Pull(t.Context(), m, "rtmp://"+ln.Addr().String()+"/a/b", key, rtmp.ClientConfig{DialTimeout: 5 * time.Second}))
			ln.Close()
			<-done
		})
	}
}
