package media_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// late is a film that is never early: what it reads is due already, and it takes its time whatever its context says.
type late struct {
	*film
	takes time.Duration
	stamp func(n int) time.Duration
}

func (l *late) ReadPacket(ctx context.Context) (*media.Packet, error) {
	time.Sleep(l.takes)
	n := l.next
	p, err := l.film.ReadPacket(ctx)
	if err == nil {
		p.DTS = l.stamp(n)
		p.PTS = p.DTS
	}
	return p, err
}

// late sources, by why they are.
func lateSources() map[string]*late {
	return map[string]*late{
		"slower than the clock": {&film{pictures: 1 << 20}, 100 * ms, func(n int) time.Duration { return time.Duration(n) * 40 * ms }},
		"steps back":            {&film{pictures: 1 << 20}, 10 * ms, func(n int) time.Duration { return time.Duration(n%25) * 40 * ms }},
		"stands still":          {&film{pictures: 1 << 20}, 10 * ms, func(int) time.Duration { return 0 }},
	}
}

// open lets a server play src, on its own.
func open(t *testing.T, src media.Source) (*media.Server, *media.Player) {
	t.Helper()
	m, err := media.New(media.Config{StallTimeout: -1})
	require.NoError(t, err)
	m.Open(media.OpenerFunc(func(context.Context, *media.OpenRequest) (media.Source, error) { return src, nil }))
	p, err := m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "test"})
	require.NoError(t, err)
	return m, p
}

// A source that is always behind the clock is ended, and asked, as any other: as soon as it has read a packet.
func TestLateSourceEndsWithItsPlayer(t *testing.T) {
	for end, do := range map[string]func(*media.Server, *media.Player) error{
		"Close":    func(_ *media.Server, p *media.Player) error { p.Close(nil); return nil },
		"Kick":     func(_ *media.Server, p *media.Player) error { p.Session().Kick(media.ErrKicked); return nil },
		"stream":   func(_ *media.Server, p *media.Player) error { p.Stream().Kick(media.ErrKicked); return nil },
		"Shutdown": func(m *media.Server, _ *media.Player) error { return m.Shutdown(context.Background()) },
	} {
		for why, src := range lateSources() {
			t.Run(end+" "+why, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, p := open(t, src)
					defer m.Close()
					w := watch(t, p)
					w.run()
					time.Sleep(10 * time.Second)
					begun := time.Now()
					_, err := p.Position(t.Context())
					require.NoError(t, err)
					require.NoError(t, do(m, p))
					require.LessOrEqual(t, time.Since(begun), 2*src.takes)
					time.Sleep(src.takes)
					synctest.Wait()
					require.EqualValues(t, 1, src.closed.Load(), "its read is over, and so is it")
					require.Positive(t, w.n.Load())
				})
			})
		}
	}
}

// A pause is obeyed by a late source too, and a seek.
func TestLateSourceObeys(t *testing.T) {
	for why, src := range lateSources() {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, p := open(t, src)
				defer m.Close()
				w := watch(t, p)
				w.run()
				time.Sleep(10 * time.Second)
				w.feed.Pause(true)
				time.Sleep(2 * src.takes)
				read := src.read.Load()
				time.Sleep(time.Hour)
				require.LessOrEqual(t, src.read.Load()-read, int32(1))
				_, err := p.Seek(t.Context(), 0)
				require.NoError(t, err)
				w.feed.Pause(false)
				time.Sleep(10 * time.Second)
				require.Greater(t, src.read.Load()-read, int32(50), "it goes on")
			})
		})
	}
}

// While nobody reads the source it stands still: who comes next goes on there.
func TestSourceStandsStillWhileNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 250}
		m, p := show(t, f)
		defer m.Close()
		r := p.Read()
		batch := make([]*media.Packet, 1)
		read := func() time.Duration {
			_, err := r.ReadBatch(t.Context(), batch)
			require.NoError(t, err)
			return batch[0].DTS
		}
		read()
		time.Sleep(2 * time.Second)
		r.Close()
		synctest.Wait()
		before := f.read.Load()
		time.Sleep(time.Hour)
		require.Equal(t, before, f.read.Load())
		at, err := p.Position(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, at)
		r = p.Read()
		last := time.Duration(0)
		for begun := time.Now(); time.Since(begun) < 6*time.Second; {
			last = read()
			require.Less(t, last, 3*time.Second+time.Since(begun)+40*ms)
		}
		require.Greater(t, last, 8*time.Second)
		for {
			if _, err := r.ReadBatch(t.Context(), batch); err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			last = batch[0].DTS
		}
		require.Equal(t, 9960*ms, last)
	})
}

// Packets of a few bytes, as a codec makes of silence, fill the log by their number: it keeps so many, and the source waits
// before.
func TestSourceOfSmallPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 40_000
		src := &late{&film{pictures: n}, 0, func(int) time.Duration { return 0 }}
		m, p := open(t, src)
		defer m.Close()
		r := p.Read()
		time.Sleep(time.Hour)
		batch, got := make([]*media.Packet, 1000), 0
		for {
			n, err := r.ReadBatch(t.Context(), batch)
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			got += n
		}
		require.Equal(t, n, got)
		require.Zero(t, r.Skipped())
	})
}

// Who asks where a source begins has its first packet read, which is played all the same.
func TestPositionBeforeThePlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &late{&film{pictures: 100}, 0, func(n int) time.Duration { return time.Minute + time.Duration(n)*40*ms }}
		m, p := open(t, src)
		defer m.Close()
		require.NoError(t, p.SetSpeed(t.Context(), 1))
		time.Sleep(time.Hour)
		require.Zero(t, src.read.Load())
		for range 2 {
			at, err := p.Position(t.Context())
			require.NoError(t, err)
			require.Equal(t, time.Minute, at)
		}
		require.EqualValues(t, 1, src.read.Load())
		w := watch(t, p)
		w.run()
		synctest.Wait()
		require.Equal(t, 61*time.Second, w.seen())
		require.EqualValues(t, 26, w.n.Load())
	})
}
