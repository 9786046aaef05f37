package media_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// film is a source of pictures, 25 a second, a key frame each tenth.
type film struct {
	pictures int
	next     int
	read     atomic.Int32
	size     int // of a picture; 0 is a few bytes
	fails    error
	closed   atomic.Int32
}

func (f *film) Tracks() []*media.Track  { return []*media.Track{video} }
func (f *film) Duration() time.Duration { return time.Duration(f.pictures) * 40 * ms }

func (f *film) ReadPacket(context.Context) (*media.Packet, error) {
	if f.next == f.pictures {
		if f.fails != nil {
			return nil, f.fails
		}
		return nil, io.EOF
	}
	p := frame(video, time.Duration(f.next)*40*ms, f.next%10 == 0)
	if f.size > 0 {
		p.Data = make([]byte, f.size)
	}
	f.next++
	f.read.Add(1)
	return p, nil
}

func (f *film) Seek(_ context.Context, at time.Duration) (time.Duration, error) {
	f.next = min(int(at/(40*ms)), f.pictures-1) / 10 * 10
	return time.Duration(f.next) * 40 * ms, nil
}

func (f *film) Close() error {
	f.closed.Add(1)
	return nil
}

// show plays a film on a server of its own.
func show(t *testing.T, f *film) (*media.Server, *media.Player) {
	t.Helper()
	m, err := media.New(media.Config{StallTimeout: -1})
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(_ context.Context, r *media.OpenRequest) (media.Source, error) {
		require.Equal(t, key, r.Stream)
		return f, nil
	}))
	p, err := m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "test"})
	require.NoError(t, err)
	return m, p
}

// watcher reads what a player is fed.
type watcher struct {
	wireReader
	feed *media.Feed
	at   atomic.Int64 // DTS of the newest packet
	n    atomic.Int64
}

func watch(t *testing.T, p *media.Player) *watcher {
	t.Helper()
	here, there := net.Pipe()
	feed, err := p.Feed(there, wire, media.FeedOptions{OnEnd: func(error) { there.Close() }})
	require.NoError(t, err)
	t.Cleanup(func() { here.Close() })
	return &watcher{wireReader: wireReader{t: t, r: here}, feed: feed}
}

// run reads to the end, on a goroutine of its own.
func (w *watcher) run() {
	go func() {
		b := make([]byte, 7)
		for {
			if _, err := io.ReadFull(w.r, b[:2]); err != nil {
				return
			}
			if b[0] != 'P' {
				_, _ = io.CopyN(io.Discard, w.r, 2*int64(b[1]))
				continue
			}
			if _, err := io.ReadFull(w.r, b[2:]); err != nil {
				return
			}
			at := time.Duration(uint32(b[3])<<24|uint32(b[4])<<16|uint32(b[5])<<8|uint32(b[6])) * ms
			w.at.Store(int64(at))
			w.n.Add(1)
		}
	}()
}

func (w *watcher) seen() time.Duration { return time.Duration(w.at.Load()) }

func TestSourceIsReadASecondAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 1500}
		m, p := show(t, f)
		defer m.Close()
		duration, private := p.Private()
		require.True(t, private)
		require.Equal(t, time.Minute, duration)
		time.Sleep(time.Hour)
		require.Zero(t, f.read.Load(), "it waits for the viewer")
		w := watch(t, p)
		w.run()
		synctest.Wait()
		require.Equal(t, time.Second, w.seen())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, 11*time.Second, w.seen())
		require.NoError(t, p.SetSpeed(t.Context(), 4))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, 34*time.Second, w.seen().Round(time.Second))
		at, err := p.Position(t.Context())
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, at)
		require.Error(t, p.SetSpeed(t.Context(), 0))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1500, w.n.Load(), "every packet came")
		require.EqualValues(t, 1, f.closed.Load())
		require.ErrorIs(t, p.SetSpeed(t.Context(), 1), media.ErrStreamNotFound)
		require.Empty(t, slices.Collect(m.Streams()), "it is in no table")
	})
}

// Datagrams get a source as fast as it was made and no faster.
func TestSourceIsNotReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := show(t, &film{pictures: 1500})
		defer m.Close()
		sink := &counter{}
		_, err := p.FeedSink(sink, wire, media.SinkOptions{})
		require.NoError(t, err)
		synctest.Wait()
		require.EqualValues(t, 2, sink.n.Load(), "the header and a picture")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 252, sink.n.Load())
	})
}

// counter is a sink that counts its chunks.
type counter struct {
	sent int
	n    atomic.Int64
}

func (c *counter) Queue(_ media.SinkBatch, chunks [][]byte) media.SinkBatch {
	c.sent = len(chunks)
	c.n.Add(int64(c.sent))
	return nil
}

func (c *counter) Result() (chunks, bytes int, err error) { return c.sent, 0, nil }

func TestSourceWaitsForASlowViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 250, size: 300 << 10}
		m, p := show(t, f)
		defer m.Close()
		w := watch(t, p)
		time.Sleep(time.Hour)
		require.Less(t, f.read.Load(), int32(20), "the viewer has taken nothing")
		w.run()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.EqualValues(t, 250, w.n.Load(), "nothing was skipped")
		require.Zero(t, p.Session().Skipped())
	})
}

func TestSourcePausesAndSeeks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 1500}
		m, p := show(t, f)
		defer m.Close()
		w := watch(t, p)
		w.run()
		time.Sleep(10 * time.Second)
		w.feed.Pause(true)
		synctest.Wait()
		before := w.n.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, before, w.n.Load())
		w.feed.Pause(false)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 12*time.Second, w.seen().Round(time.Second))
		require.Equal(t, int64(w.seen()/(40*ms))+1, w.n.Load(), "nothing was lost by the pause")

		to, err := p.Seek(t.Context(), 40*time.Second+100*ms)
		require.NoError(t, err)
		require.Equal(t, 40*time.Second, to)
		synctest.Wait()
		require.Equal(t, 41*time.Second, w.seen())
		_, err = p.Seek(t.Context(), 0)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, time.Second, w.seen())

		w.feed.Pause(true)
		synctest.Wait()
		n := w.n.Load()
		_, err = p.Seek(t.Context(), 20*time.Second)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, n, w.n.Load(), "who is paused stays so")
		w.feed.Pause(false)
		synctest.Wait()
		require.Equal(t, 21*time.Second, w.seen())
		require.Zero(t, p.Session().Skipped(), "what a seek leaves out is not lost")

		// The end is told when it is due, so that one can still go back.
		_, err = p.Seek(t.Context(), time.Minute)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, 59960*ms, w.seen())
		_, err = p.Seek(t.Context(), 10*time.Second)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, 11*time.Second, w.seen())

		for _, beyond := range []time.Duration{time.Minute + ms, time.Hour} {
			_, err = p.Seek(t.Context(), beyond)
			require.ErrorIs(t, err, media.ErrBeyondEnd)
		}
		n = w.n.Load()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		require.Equal(t, n+100, w.n.Load())
		require.Equal(t, 15*time.Second, w.seen(), "it goes on where it was")
	})
}

func TestSourceOfAPlayerThatIsKicked(t *testing.T) {
	for name, end := range map[string]func(*media.Server, *media.Player){
		"kick":   func(_ *media.Server, p *media.Player) { p.Session().Kick(media.ErrKicked) },
		"close":  func(_ *media.Server, p *media.Player) { p.Close(nil) },
		"server": func(m *media.Server, _ *media.Player) { _ = m.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &film{pictures: 1500}
				m, p := show(t, f)
				defer m.Close()
				watch(t, p).run()
				time.Sleep(5 * time.Second)
				end(m, p)
				synctest.Wait()
				require.EqualValues(t, 1, f.closed.Load())
				_, err := p.Seek(t.Context(), 0)
				require.ErrorIs(t, err, media.ErrStreamNotFound)
			})
		})
	}
}

func TestOpeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notFound := 0
		m, err := media.New(media.Config{PlayWait: time.Second, Hooks: []hook.Hook{hook.Funcs{
			OnStreamNotFound: func(context.Context, *hook.PlayEvent) (bool, error) {
				notFound++
				return false, nil
			},
		}}})
		require.NoError(t, err)
		defer m.Close()
		play := func(name string) error {
			k := key
			k.Name = name
			p, err := m.Play(t.Context(), media.PlayRequest{Stream: k, Schema: "test"})
			if err == nil {
				p.Close(nil)
			}
			return err
		}
		var pub *media.Publisher
		stop := m.Open(media.OpenerFunc(func(_ context.Context, r *media.OpenRequest) (media.Source, error) {
			switch r.Stream.Name {
			case "refused":
				return nil, hook.Deny(403, "not for you")
			case "broken":
				return &film{}, nil
			case "panics":
				panic("a user's opener")
			case "live":
				var err error
				pub, err = m.Publish(context.Background(), media.PublishRequest{Stream: r.Stream, Schema: "test"})
				require.NoError(t, err)
				return nil, pub.SetTracks(video)
			}
			return nil, hook.ErrNotHandled
		}))
		film := &film{pictures: 100}
		m.Open(media.OpenerFunc(func(_ context.Context, r *media.OpenRequest) (media.Source, error) {
			if r.Stream.Name != "film" {
				return nil, hook.ErrNotHandled
			}
			return film, nil
		}))
		require.ErrorIs(t, play("absent"), media.ErrStreamNotFound)
		require.Equal(t, 1, notFound)
		_, denied := hook.Denied(play("refused"))
		require.True(t, denied)
		require.ErrorContains(t, play("panics"), "panicked")
		require.NoError(t, play("live"))
		require.NoError(t, play("live"), "it is there now")
		pub.Close(nil)
		require.NoError(t, play("film"))
		synctest.Wait()
		require.EqualValues(t, 1, film.closed.Load())
		stop()
		require.ErrorIs(t, play("refused"), media.ErrStreamNotFound)
		require.Equal(t, 2, notFound, "openers are asked before")
	})
}

func TestSourceThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 10, fails: errors.New("disk gone")}
		m, p := show(t, f)
		defer m.Close()
		here, there := net.Pipe()
		defer here.Close()
		ended := make(chan error, 1)
		_, err := p.Feed(there, wire, media.FeedOptions{OnEnd: func(err error) { ended <- err }})
		require.NoError(t, err)
		go func() { _, _ = io.Copy(io.Discard, here) }()
		require.ErrorIs(t, <-ended, io.EOF)
		synctest.Wait()
		require.EqualValues(t, 1, f.closed.Load())
	})
}

// Who reads packets or chunks holds the source back as well.
func TestSourceWaitsForAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 250, size: 300 << 10}
		m, p := show(t, f)
		defer m.Close()
		r := p.Read()
		time.Sleep(time.Hour)
		require.Less(t, f.read.Load(), int32(20))
		batch := make([]*media.Packet, 10)
		for want := time.Duration(0); want < 4*time.Second; {
			n, err := r.ReadBatch(t.Context(), batch)
			require.NoError(t, err)
			for _, pkt := range batch[:n] {
				require.Equal(t, want, pkt.DTS)
				want += 40 * ms
			}
		}
		to, err := p.Seek(t.Context(), 9*time.Second)
		require.NoError(t, err)
		_, err = r.ReadBatch(t.Context(), batch)
		require.NoError(t, err)
		require.Equal(t, to, batch[0].DTS)
		require.Zero(t, r.Skipped())
		r.Close()
		chunks := p.ReadFormat(wire)
		n, err := chunks.ReadBatch(t.Context(), make([]media.Chunk, 10))
		require.NoError(t, err)
		require.NotZero(t, n)
	})
}

// What a muxer that looks ahead holds back of the place before a seek does not come after it.
func TestSeekOfAMuxerThatLooksAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := show(t, &film{pictures: 1500})
		defer m.Close()
		r := p.ReadFormat(ahead)
		require.Equal(t, []string{"Hv1*@0+40", "@40+40"}, chunks(t, r, 2))
		synctest.Wait()
		_, err := p.Seek(t.Context(), 40*time.Second)
		require.NoError(t, err)
		require.Equal(t, []string{"*@40000+40", "@40040+40"}, chunks(t, r, 2))
		require.Zero(t, r.Skipped(), "nor is it lost")
	})
}

func TestSourceThatTheSchemaCannotCarry(t *testing.T) {
	m := newServer(t, media.Config{})
	f := &media.Format{Name: "f", Schema: "narrow", New: wire.New, Carries: func(t *media.Track) bool { return t.Codec == media.AAC }}
	require.NoError(t, m.RegisterFormats(nobody{}, f))
	src := &film{pictures: 10}
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return src, nil }))
	_, err := m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "narrow"})
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	require.EqualValues(t, 1, src.closed.Load())
}

// nobody is a service without sessions.
type nobody struct{}

func (nobody) Shutdown(context.Context) error { return nil }
func (nobody) Close() error                   { return nil }

// hanging is a source that says nothing until its context ends.
type hanging struct{ film }

func (*hanging) ReadPacket(ctx context.Context) (*media.Packet, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A source that hangs holds up neither who pauses it, nor longer than wanted who seeks in it.
func TestSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		src := &hanging{film{pictures: 10}}
		m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return src, nil }))
		p, err := m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "test"})
		require.NoError(t, err)
		w := watch(t, p)
		w.run()
		begun := time.Now()
		w.feed.Pause(true)
		w.feed.Pause(false)
		require.Equal(t, begun, time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Seek(ctx, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		p.Close(nil)
		synctest.Wait()
		require.EqualValues(t, 1, src.closed.Load())
	})
}
