package media_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
)

const ms = time.Millisecond

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key   = media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}
	video = &media.Track{ID: 1, Codec: media.H264, Config: []byte("v1"), Width: 640, Height: 360}
	audio = &media.Track{ID: 2, Codec: media.AAC, Config: []byte("a1"), SampleRate: 44100, Channels: 2}
)

// newServer returns a server that is closed with the test.
func newServer(t testing.TB, cfg media.Config) *media.Server {
	t.Helper()
	s, err := media.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func publish(t testing.TB, s *media.Server, tracks ...*media.Track) *media.Publisher {
	t.Helper()
	p, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Schema: "test"})
	require.NoError(t, err)
	if len(tracks) > 0 {
		require.NoError(t, p.SetTracks(tracks...))
	}
	return p
}

func frame(track *media.Track, at time.Duration, isKey bool) *media.Packet {
	return &media.Packet{Track: track, DTS: at, PTS: at, Key: isKey, Data: []byte("frame")}
}

// writeVideo writes pictures from..to at 25 a second, a key frame each tenth.
func writeVideo(t testing.TB, p *media.Publisher, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		require.NoError(t, p.WritePacket(frame(video, time.Duration(i)*40*ms, i%10 == 0)))
	}
}

// wireMuxer writes each packet as "P", track, key, DTS in ms; headers as "H" or "C" and the configurations.
type wireMuxer struct{}

var wire = &media.Format{Name: "wire", Schema: "test", New: func() media.Muxer { return wireMuxer{} }}

func (wireMuxer) describe(dst []byte, kind byte, d *media.Description) ([]byte, error) {
	dst = append(dst, kind, byte(len(d.Tracks)))
	for _, t := range d.Tracks {
		dst = append(dst, t.Config[:2]...)
	}
	return dst, nil
}

func (m wireMuxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	return m.describe(dst, 'H', d)
}

func (m wireMuxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	return m.describe(dst, 'C', d)
}

func (wireMuxer) AppendPacket(dst []byte, p *media.Packet) ([]byte, error) {
	isKey := byte(0)
	if p.Key {
		isKey = 1
	}
	dst = append(dst, 'P', byte(p.Track.ID), isKey)
	return binary.BigEndian.AppendUint32(dst, uint32(p.DTS/ms)), nil
}

type wirePacket struct {
	track int
	isKey bool
	at    time.Duration
}

// wireReader reads what wireMuxer wrote.
type wireReader struct {
	t       testing.TB
	r       io.Reader
	headers []string
}

func (w *wireReader) bytes(n int) []byte {
	b := make([]byte, n)
	_, err := io.ReadFull(w.r, b)
	require.NoError(w.t, err)
	return b
}

func (w *wireReader) next() wirePacket {
	w.t.Helper()
	for {
		switch kind := w.bytes(1)[0]; kind {
		case 'P':
			b := w.bytes(6)
			return wirePacket{int(b[0]), b[1] == 1, time.Duration(binary.BigEndian.Uint32(b[2:])) * ms}
		default:
			n := int(w.bytes(1)[0])
			w.headers = append(w.headers, string(kind)+string(w.bytes(2*n)))
		}
	}
}

func pair(t testing.TB) (server, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	server, err = ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close(); _ = client.Close() })
	return server, client
}

func play(t testing.TB, s *media.Server) (*media.Player, *wireReader) {
	t.Helper()
	p, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "test"})
	require.NoError(t, err)
	server, client := pair(t)
	_, err = p.Feed(server, wire, media.FeedOptions{OnEnd: p.Close})
	require.NoError(t, err)
	go func() {
		<-p.Done()
		server.Close()
	}()
	return p, &wireReader{t: t, r: client}
}

func TestPlayerGetsNewestGOPAtOnceAndThenTheRest(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video, audio)
	writeVideo(t, pub, 0, 25)
	_, r := play(t, s)
	require.Equal(t, wirePacket{1, true, 800 * ms}, r.next())
	require.Equal(t, []string{"Hv1a1"}, r.headers)
	writeVideo(t, pub, 25, 31)
	for i := 21; i < 31; i++ {
		require.Equal(t, time.Duration(i)*40*ms, r.next().at)
	}
	require.NoError(t, pub.WritePacket(frame(audio, 1210*ms, false)))
	require.Equal(t, wirePacket{2, false, 1210 * ms}, r.next(), "audio waits for no more than 40 ms")
	pub.Close(nil)
	_, err := r.r.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}

func TestChangedTrackIsAnnounced(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	writeVideo(t, pub, 0, 2)
	_, r := play(t, s)
	changed := &media.Track{ID: 1, Codec: media.H264, Config: []byte("v2")}
	require.NoError(t, pub.WritePacket(frame(changed, 80*ms, true)))
	for range 3 {
		r.next()
	}
	require.Equal(t, []string{"Hv1", "Cv2"}, r.headers)
	_, late := play(t, s)
	require.Equal(t, 80*ms, late.next().at)
	require.Equal(t, []string{"Hv2"}, late.headers)
	require.ErrorIs(t, pub.WritePacket(frame(audio, 0, false)), media.ErrUnknownTrack)
	require.NoError(t, pub.SetTracks(changed, audio))
	require.NoError(t, pub.WritePacket(frame(audio, 100*ms, false)))
	r.next()
	require.Equal(t, "Cv2a1", r.headers[2])
}

func TestStreamWithoutVideoStartsAnywhere(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, audio)
	for i := range 200 {
		require.NoError(t, pub.WritePacket(frame(audio, time.Duration(i)*20*ms, false)))
	}
	_, r := play(t, s)
	require.Equal(t, 3000*ms, r.next().at, "at most a second of what was before")
}

func TestSecondPublisherIsRefused(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	_, err := s.Publish(t.Context(), media.PublishRequest{Stream: key})
	require.ErrorIs(t, err, media.ErrStreamExists)
	pub.Close(nil)
	publish(t, s, video)
	for _, bad := range []media.StreamKey{{}, {App: "live"}, {Name: "x"}, {App: "live", Name: string(make([]byte, 9000))}} {
		_, err = s.Publish(t.Context(), media.PublishRequest{Stream: bad})
		require.ErrorIs(t, err, media.ErrBadName)
	}
}

func TestDroppedPublisherMayComeBackUnnoticed(t *testing.T) {
	var changes events
	s := newServer(t, media.Config{Hooks: []hook.Hook{&changes}})
	pub := publish(t, s, video)
	writeVideo(t, pub, 0, 11)
	_, r := play(t, s)
	require.Equal(t, 400*ms, r.next().at)
	pub.Close(io.ErrUnexpectedEOF)
	require.Error(t, pub.WritePacket(frame(video, 440*ms, false)))
	pub = publish(t, s, video)
	writeVideo(t, pub, 0, 3)
	for i := range 3 {
		require.Equal(t, time.Duration(440+i*40)*ms, r.next().at, "the stamps go on")
	}
	pub.Close(nil)
	require.Equal(t, []string{"+", "-"}, changes.wait(t, 2))
}

func TestGraceEnds(t *testing.T) {
	var changes events
	s := newServer(t, media.Config{
		Hooks: []hook.Hook{&changes}, Options: hook.StreamOptions{ContinuePush: new(20 * ms)},
	})
	pub := publish(t, s, video)
	_, r := play(t, s)
	pub.Close(io.ErrUnexpectedEOF)
	_, err := r.r.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.Equal(t, []string{"+", "-"}, changes.wait(t, 2))
	_, ok := s.Stream(key)
	require.False(t, ok)
}

func TestNoGraceWithoutContinuePush(t *testing.T) {
	s := newServer(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}})
	publish(t, s, video).Close(io.ErrUnexpectedEOF)
	_, ok := s.Stream(key)
	require.False(t, ok)
}

// events keeps the stream_changed events it is told.
type events struct {
	mu   sync.Mutex
	list []string
}

func (e *events) OnStreamChanged(_ context.Context, ev *hook.StreamChangedEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ev.Registered {
		e.list = append(e.list, "+"+ev.Schema)
	} else {
		e.list = append(e.list, "-"+ev.Schema)
	}
}

func (e *events) wait(t *testing.T, n int) []string {
	t.Helper()
	var got []string
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		got = slices.Clone(e.list)
		return len(got) >= n
	}, 10*time.Second, ms)
	return got
}

func TestViewerComesBeforePublisher(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := newServer(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnStreamNotFound: func(context.Context, *hook.PlayEvent) (bool, error) { asked <- struct{}{}; return false, nil },
	}}})
	played := make(chan error, 1)
	go func() {
		p, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
		if err == nil {
			p.Close(nil)
		}
		played <- err
	}()
	<-asked
	publish(t, s, video)
	require.NoError(t, <-played)
}

func TestStreamNotFound(t *testing.T) {
	for name, cfg := range map[string]media.Config{
		"after the wait": {PlayWait: 20 * ms},
		"no wait":        {PlayWait: -1},
		"the hook says so": {Hooks: []hook.Hook{hook.Funcs{
			OnStreamNotFound: func(context.Context, *hook.PlayEvent) (bool, error) { return true, nil },
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newServer(t, cfg).Play(t.Context(), media.PlayRequest{Stream: key})
			require.ErrorIs(t, err, media.ErrStreamNotFound)
		})
	}
	t.Run("not served in the schema", func(t *testing.T) {
		s := newServer(t, media.Config{PlayWait: -1, Options: hook.StreamOptions{EnableRTMP: new(false)}})
		publish(t, s, video)
		_, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "rtmp"})
		require.ErrorIs(t, err, media.ErrStreamNotFound)
	})
	t.Run("the player leaves", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*ms, cancel)
		_, err := newServer(t, media.Config{}).Play(ctx, media.PlayRequest{Stream: key})
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestHooksDecide(t *testing.T) {
	deny := hook.Deny(403, "no")
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		hook func(context.Context) error
		want error
	}{
		"admits":  {func(context.Context) error { return nil }, nil},
		"refuses": {func(context.Context) error { return deny }, deny},
		"fails":   {func(context.Context) error { return broken }, broken},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, media.Config{Hooks: []hook.Hook{hook.Chain(hook.Funcs{
				OnPublish: func(ctx context.Context, _ *hook.PublishEvent) (hook.PublishReply, error) {
					return hook.PublishReply{}, c.hook(ctx)
				},
				OnPlay: func(ctx context.Context, _ *hook.PlayEvent) error { return c.hook(ctx) },
			})}})
			pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: key})
			require.ErrorIs(t, err, c.want)
			if err == nil {
				require.NoError(t, pub.SetTracks(video))
			}
			_, err = s.Play(t.Context(), media.PlayRequest{Stream: key})
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestHookThatHangsOrPanicsRefusesItsSessionOnly(t *testing.T) {
	release := make(chan struct{})
	s := newServer(t, media.Config{HookTimeout: 50 * ms, Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
			switch ev.Session.Params {
			case "hang":
				<-release // whatever its context says
			case "panic":
				panic("oops")
			}
			return nil
		},
	}}})
	defer close(release)
	publish(t, s, video)
	for _, params := range []string{"hang", "panic"} {
		_, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Params: params})
		require.Error(t, err, params)
	}
	_, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
	require.NoError(t, err)
}

func TestPublishReplySetsOptionsAndName(t *testing.T) {
	option := func(o hook.StreamOptions, name string) hook.Hook {
		return hook.Funcs{OnPublish: func(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
			return hook.PublishReply{Options: o, StreamReplace: name}, nil
		}}
	}
	s := newServer(t, media.Config{Hooks: []hook.Hook{
		option(hook.StreamOptions{EnableAudio: new(false)}, ""),
		option(hook.StreamOptions{EnableAudio: new(true), EnableTS: new(false)}, "other"),
	}})
	pub := publish(t, s, video, audio)
	st := pub.Stream()
	require.Equal(t, "other", st.Key().Name)
	require.False(t, *st.Options().EnableAudio)
	require.False(t, *st.Options().EnableTS)
	require.True(t, *st.Options().EnableRTMP)
	tracks, err := st.Tracks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*media.Track{video}, tracks)
	require.NoError(t, pub.WritePacket(frame(audio, 0, false)), "audio is left out, which is no error")
}

func TestHookWithoutInterfaceIsRefused(t *testing.T) {
	_, err := media.New(media.Config{Hooks: []hook.Hook{struct{}{}}})
	require.ErrorContains(t, err, "implements no hook interface")
}

func TestUnwatchedStreamIsAskedAbout(t *testing.T) {
	asked := make(chan *hook.StreamEvent, 8)
	s := newServer(t, media.Config{NoneReaderDelay: 10 * ms, Hooks: []hook.Hook{hook.Funcs{
		OnStreamNoneReader: func(_ context.Context, ev *hook.StreamEvent) (bool, error) {
			asked <- ev
			return len(asked) == 2, nil
		},
	}}})
	pub := publish(t, s, video)
	require.Eventually(t, func() bool { return len(asked) == 1 }, 10*time.Second, ms, "nobody ever watched")
	p, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "rtmp"})
	require.NoError(t, err)
	time.Sleep(30 * ms)
	require.Len(t, asked, 1)
	p.Close(nil)
	<-pub.Done()
	require.ErrorIs(t, pub.Err(), media.ErrNoReader)
	<-asked
	require.Equal(t, "rtmp", (<-asked).Schema)
}

func TestAutoClose(t *testing.T) {
	s := newServer(t, media.Config{NoneReaderDelay: 10 * ms, Options: hook.StreamOptions{AutoClose: new(true)}})
	<-publish(t, s, video).Done()
}

func TestFlowIsReported(t *testing.T) {
	flows := make(chan *hook.FlowReportEvent, 2)
	s := newServer(t, media.Config{FlowThreshold: 6, Hooks: []hook.Hook{hook.Funcs{
		OnFlowReport: func(_ context.Context, ev *hook.FlowReportEvent) { flows <- ev },
	}}})
	pub := publish(t, s, video)
	writeVideo(t, pub, 0, 2)
	p, r := play(t, s)
	r.next()
	r.next()
	p.Close(nil)
	ev := <-flows
	require.True(t, ev.Player)
	require.EqualValues(t, 4+2*7, ev.TotalBytes)
	idle, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
	require.NoError(t, err)
	idle.Close(nil) // below the threshold
	pub.Close(nil)
	ev = <-flows
	require.False(t, ev.Player)
	require.EqualValues(t, 10, ev.TotalBytes)
}

func TestKick(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	player, r := play(t, s)
	player.Session().Kick(media.ErrKicked)
	_, err := io.Copy(io.Discard, r.r)
	_ = err // the connection ends with or without an error
	require.ErrorIs(t, player.Err(), media.ErrKicked)
	pub.Session().Kick(media.ErrKicked)
	<-pub.Done()
	require.ErrorIs(t, pub.WritePacket(frame(video, 0, true)), media.ErrKicked)
	_, ok := s.Stream(key)
	require.False(t, ok, "who is kicked gets no grace")
	require.Empty(t, slices.Collect(s.Sessions()))
}

func TestTapServesStreams(t *testing.T) {
	s := newServer(t, media.Config{})
	seen := make(chan string, 4)
	tap := media.TapFunc(func(ctx context.Context, st *media.Stream) error {
		r := st.Read()
		defer r.Close()
		var pkts [4]*media.Packet
		_, err := r.ReadBatch(ctx, pkts[:])
		if err != nil {
			return err
		}
		seen <- st.Key().Name
		<-ctx.Done()
		seen <- "end"
		return nil
	})
	pub := publish(t, s, video)
	stop := s.Tap(nil, tap)
	writeVideo(t, pub, 0, 1)
	require.Equal(t, "test", <-seen)
	pub.Close(nil)
	require.Equal(t, "end", <-seen)
	pub = publish(t, s, video)
	writeVideo(t, pub, 0, 1)
	require.Equal(t, "test", <-seen)
	stop()
	require.Equal(t, "end", <-seen)
}

func TestReadFormat(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	writeVideo(t, pub, 0, 3)
	p, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
	require.NoError(t, err)
	r := p.ReadFormat(wire)
	chunks := make([]media.Chunk, 2)
	n, err := r.ReadBatch(t.Context(), chunks)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "H\x01v1", string(chunks[0].Header))
	require.True(t, chunks[0].Key)
	require.Nil(t, chunks[1].Header)
	pub.Close(nil)
	_, err = r.ReadBatch(t.Context(), chunks)
	require.NoError(t, err)
	_, err = r.ReadBatch(t.Context(), chunks)
	require.Equal(t, io.EOF, err)
	p.Close(nil)
}

func TestStatsAndSource(t *testing.T) {
	s := newServer(t, media.Config{})
	pub, err := s.Publish(t.Context(), media.PublishRequest{
		Stream: key, Params: "a=1", Origin: hook.OriginRTMPPush, OriginURL: "rtmp://h/live/test?a=1",
	})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(video, audio))
	writeVideo(t, pub, 0, 101)
	st := pub.Stream()
	stats := st.Stats()
	require.EqualValues(t, 101*5, stats.Bytes)
	v := stats.Tracks[0]
	require.EqualValues(t, 101, v.Frames)
	require.EqualValues(t, 11, v.KeyFrames)
	require.Equal(t, 10, v.GOPSize)
	require.Equal(t, 400*ms, v.GOPInterval)
	require.InDelta(t, 25, v.FPS, 0.01)
	require.EqualValues(t, -1, v.Loss)
	src := st.Source("rtmp")
	require.Equal(t, "a=1", src.Params)
	require.Equal(t, "rtmp_push", src.Origin.String())
	require.Equal(t, "mpeg4-generic", src.Tracks[1].Codec)
	require.Equal(t, 640, src.Tracks[0].Width)
}

type service struct{ ended chan string }

func (s service) Shutdown(context.Context) error { s.ended <- "shutdown"; return nil }
func (s service) Close() error                   { s.ended <- "close"; return nil }

func TestShutdownEndsEverythingInOrder(t *testing.T) {
	s, err := media.New(media.Config{})
	require.NoError(t, err)
	svc := service{make(chan string, 4)}
	require.NoError(t, s.Register(svc, "rtmp"))
	pub := publish(t, s, video)
	writeVideo(t, pub, 0, 3)
	_, r := play(t, s)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Equal(t, "shutdown", <-svc.ended)
	for range 3 {
		r.next() // what was there is delivered
	}
	_, err = r.r.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.ErrorIs(t, pub.Err(), media.ErrServerClosed)
	_, err = s.Publish(t.Context(), media.PublishRequest{Stream: key})
	require.ErrorIs(t, err, media.ErrServerClosed)
	_, err = s.Play(t.Context(), media.PlayRequest{Stream: key})
	require.ErrorIs(t, err, media.ErrServerClosed)
	require.ErrorIs(t, s.Register(svc), media.ErrServerClosed)
	require.NoError(t, s.Shutdown(t.Context()))
	require.NoError(t, s.Close())
}

func TestMuxerThatPanicsHurtsNobodyElse(t *testing.T) {
	s := newServer(t, media.Config{})
	pub := publish(t, s, video)
	p, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
	require.NoError(t, err)
	p.ReadFormat(&media.Format{Name: "bad", New: func() media.Muxer { return badMuxer{} }})
	_, r := play(t, s)
	writeVideo(t, pub, 0, 3)
	require.Equal(t, 0*ms, r.next().at)
}

type badMuxer struct{ wireMuxer }

func (badMuxer) AppendPacket([]byte, *media.Packet) ([]byte, error) { panic("bad") }

func TestFiftyServersOpenAndClose(t *testing.T) {
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			s, err := media.New(media.Config{})
			if err != nil {
				t.Error(err)
				return
			}
			p, err := s.Publish(t.Context(), media.PublishRequest{Stream: key})
			if err == nil {
				err = p.SetTracks(video)
			}
			if err = errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A stream of key frames only gives a late reader as much time as any other stream.
func TestKeyFramesOnly(t *testing.T) {
	s := newServer(t, media.Config{})
	p := publish(t, s, video)
	write := func(from, to int) {
		for i := from; i < to; i++ {
			require.NoError(t, p.WritePacket(frame(video, time.Duration(i)*40*ms, true)))
		}
	}
	write(0, 1)
	r := p.Stream().Read()
	defer r.Close()
	write(1, 20)
	dst := make([]*media.Packet, 32)
	n, err := r.ReadBatch(t.Context(), dst)
	require.NoError(t, err)
	require.Equal(t, 20, n)
	require.Zero(t, r.Skipped())

	late := p.Stream().Read()
	defer late.Close()
	n, err = late.ReadBatch(t.Context(), dst)
	require.NoError(t, err)
	require.Equal(t, 10, n, "begins at the newest start, not at the newest key frame")

	// New parameters make the next key frame a start.
	changed := *video
	changed.Config = []byte("v2")
	require.NoError(t, p.SetTracks(&changed))
	require.NoError(t, p.WritePacket(frame(&changed, 20*40*ms, true)))
	fresh := p.Stream().Read()
	defer fresh.Close()
	n, err = fresh.ReadBatch(t.Context(), dst)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// A stream without audio gets silence in step with its pictures, if that is asked for.
func TestMuteAudio(t *testing.T) {
	s := newServer(t, media.Config{Options: hook.StreamOptions{AddMuteAudio: new(true)}})
	p := publish(t, s, video)
	tracks, err := p.Stream().Tracks(t.Context())
	require.NoError(t, err)
	require.Len(t, tracks, 2)
	require.Equal(t, media.AAC, tracks[1].Codec)
	writeVideo(t, p, 0, 1)
	r := p.Stream().Read()
	defer r.Close()
	for i := 1; i < 26; i++ {
		require.NoError(t, p.WritePacket(frame(video, time.Duration(i)*40*ms, false)))
	}
	dst := make([]*media.Packet, 64)
	n, err := r.ReadBatch(t.Context(), dst)
	require.NoError(t, err)
	var silent []time.Duration
	for _, pkt := range dst[:n] {
		if pkt.Track == tracks[1] {
			silent = append(silent, pkt.DTS)
		}
	}
	require.Equal(t, []time.Duration{0, 128 * ms, 256 * ms, 384 * ms, 512 * ms, 640 * ms, 768 * ms, 896 * ms}, silent)

	require.NoError(t, p.SetTracks(video, audio)) // audio of its own
	tracks, err = p.Stream().Tracks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []*media.Track{video, audio}, tracks)
	require.NoError(t, p.WritePacket(frame(video, 26*40*ms, true)))
	n, err = r.ReadBatch(t.Context(), dst)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// A tap that ends because its reader has is no failure.
func TestTapAtTheEndOfItsReader(t *testing.T) {
	var log testlog.Buffer
	s := newServer(t, media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	publish(t, s, video)
	for _, c := range []struct {
		err    error
		failed int
	}{{io.EOF, 0}, {fmt.Errorf("reading: %w", io.EOF), 0}, {errors.New("no space left"), 1}} {
		returned := make(chan struct{})
		stop := s.Tap(nil, media.TapFunc(func(context.Context, *media.Stream) error {
			defer close(returned)
			return c.err
		}))
		<-returned
		require.Eventually(t, func() bool { return strings.Count(log.String(), "tap failed") == c.failed }, 10*time.Second, time.Millisecond)
		stop()
	}
}
