package media_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// soon fails the test if nothing comes from c.
func soon[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		require.FailNow(t, "a blocked call does not end")
		panic("not reached")
	}
}

// drainOf reads until the reader ends, and says why it did. waiting is closed once all that was there is read.
func drainOf[T any](r *media.Reader[T], first int) (waiting <-chan struct{}, ended <-chan error) {
	at, end := make(chan struct{}), make(chan error, 1)
	go func() {
		buf := make([]T, 8)
		for n := 0; ; {
			got, err := r.ReadBatch(context.Background(), buf)
			if err != nil {
				end <- err
				return
			}
			if n += got; n == first {
				close(at)
			}
		}
	}()
	return at, end
}

// Whoever waits in ReadBatch is let go when what the reader belongs to ends, without a context that says so.
func TestReaderEndsWithWhatItBelongsTo(t *testing.T) {
	type parts struct {
		server *media.Server
		pub    *media.Publisher
		player *media.Player
		close  func()
	}
	for name, c := range map[string]struct {
		end          func(parts)
		stream, play error // what ReadBatch of the stream's readers and of the player's returns; nil goes on
	}{
		"reader":        {func(p parts) { p.close() }, media.ErrReaderClosed, media.ErrReaderClosed},
		"player closes": {func(p parts) { p.player.Close(nil) }, nil, media.ErrReaderClosed},
		"player kicked": {func(p parts) { p.player.Session().Kick(media.ErrKicked) }, nil, media.ErrKicked},
		"stream":        {func(p parts) { p.pub.Close(nil) }, io.EOF, io.EOF},
		"server":        {func(p parts) { _ = p.server.Shutdown(context.Background()) }, io.EOF, io.EOF},
	} {
		for _, own := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				s := newServer(t, media.Config{})
				pub := publish(t, s, video)
				writeVideo(t, pub, 0, 3)
				r := media.PlayRequest{Stream: key}
				if !own { // an owner that does nothing when its session is kicked
					r.Session = s.NewSession(hook.Session{}, nil)
					defer r.Session.Close()
				}
				player, err := s.Play(t.Context(), r)
				require.NoError(t, err)
				defer player.Close(nil)
				packets, chunks := pub.Stream().Read(), pub.Stream().ReadFormat(wire)
				playerPackets, playerChunks := player.Read(), player.ReadFormat(wire)
				end := func() { packets.Close(); chunks.Close(); playerPackets.Close(); playerChunks.Close() }
				defer end()
				at1, ended1 := drainOf(packets, 3)
				at2, ended2 := drainOf(chunks, 3)
				at3, ended3 := drainOf(playerPackets, 3)
				at4, ended4 := drainOf(playerChunks, 3)
				for _, at := range []<-chan struct{}{at1, at2, at3, at4} {
					soon(t, at)
				}
				c.end(parts{s, pub, player, end})
				require.ErrorIs(t, soon(t, ended3), c.play)
				require.ErrorIs(t, soon(t, ended4), c.play)
				want := c.stream
				if want == nil { // the others read on
					writeVideo(t, pub, 3, 4)
					pub.Close(nil)
					want = io.EOF
				}
				require.ErrorIs(t, soon(t, ended1), want)
				require.ErrorIs(t, soon(t, ended2), want)
			})
		}
	}
}

// A reader made when its player has ended is closed already.
func TestReaderOfPlayerThatHasEnded(t *testing.T) {
	s := newServer(t, media.Config{})
	writeVideo(t, publish(t, s, video), 0, 3)
	for _, end := range []func(*media.Player){
		func(p *media.Player) { p.Close(nil) },
		func(p *media.Player) { p.Session().Kick(media.ErrKicked) },
	} {
		x := s.NewSession(hook.Session{}, nil)
		player, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Session: x})
		require.NoError(t, err)
		end(player)
		_, err = player.Read().ReadBatch(t.Context(), make([]*media.Packet, 1))
		require.Error(t, err)
		_, err = player.ReadFormat(wire).ReadBatch(t.Context(), make([]media.Chunk, 1))
		require.Error(t, err)
		player.Close(nil)
		x.Close()
	}
}

// Publish and Play wait for hooks and for streams no longer than their session and the server live.
func TestAdmissionEndsWithSessionAndServer(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*media.Server, *media.Session)
		want error
	}{
		"kick":  {func(_ *media.Server, x *media.Session) { x.Kick(media.ErrKicked) }, media.ErrKicked},
		"close": {func(_ *media.Server, x *media.Session) { x.Close() }, context.Canceled},
		"server": {func(s *media.Server, _ *media.Session) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = s.Shutdown(ctx) // what the hooks of this test ignore is not waited for
		}, media.ErrServerClosed},
	} {
		for step, admit := range map[string]func(*media.Server, *media.Session) error{
			"publish": func(s *media.Server, x *media.Session) error {
				_, err := s.Publish(context.Background(), media.PublishRequest{Stream: key, Session: x})
				return err
			},
			"play": func(s *media.Server, x *media.Session) error {
				_, err := s.Play(context.Background(), media.PlayRequest{Stream: key, Session: x})
				return err
			},
			"not found": func(s *media.Server, x *media.Session) error {
				_, err := s.Play(context.Background(), media.PlayRequest{Stream: key, Session: x, Authorized: true})
				return err
			},
			"access": func(s *media.Server, x *media.Session) error {
				if name != "server" {
					return c.want // it belongs to no session
				}
				_, err := s.HTTPAccess(context.Background(), &hook.HTTPAccessEvent{Session: x.Info()})
				return err
			},
		} {
			t.Run(name+" "+step, func(t *testing.T) {
				asked, release := make(chan struct{}, 1), make(chan struct{})
				wait := func() error {
					asked <- struct{}{}
					<-release // whatever its context says
					return nil
				}
				s := newServer(t, media.Config{HookTimeout: time.Hour, PlayWait: time.Hour, Hooks: []hook.Hook{hook.Funcs{
					OnPublish: func(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
						return hook.PublishReply{}, wait()
					},
					OnPlay:           func(context.Context, *hook.PlayEvent) error { return wait() },
					OnStreamNotFound: func(context.Context, *hook.PlayEvent) (bool, error) { return false, wait() },
					OnHTTPAccess: func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
						return hook.HTTPAccessReply{}, wait()
					},
				}}})
				defer close(release)
				x := s.NewSession(hook.Session{}, nil)
				defer x.Close()
				ended := make(chan error, 1)
				go func() { ended <- admit(s, x) }()
				if step != "access" || name == "server" {
					soon(t, asked)
				}
				c.end(s, x)
				require.ErrorIs(t, soon(t, ended), c.want)
				require.Nil(t, x.Player())
				require.Nil(t, x.Publisher())
			})
		}
	}
}

// A stream says who has ended it, unless its publisher has finished.
func TestStreamErr(t *testing.T) {
	s := newServer(t, media.Config{})
	p := publish(t, s, video)
	require.NoError(t, p.Stream().Err())
	p.Close(nil)
	soon(t, p.Stream().Done())
	require.NoError(t, p.Stream().Err())
	p = publish(t, s, video)
	p.Stream().Kick(media.ErrNoReader)
	require.ErrorIs(t, p.Stream().Err(), media.ErrNoReader)
}
