package pace

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// clock is a sink that notes when packets come, since it was made.
type clock struct {
	began  time.Time
	came   []time.Duration
	tracks []*media.Track
	slow   time.Duration // it takes so long to write one
	err    error
}

func (c *clock) SetTracks(tracks ...*media.Track) error {
	c.tracks = tracks
	return c.err
}

func (c *clock) WritePacket(*media.Packet) error {
	c.came = append(c.came, time.Since(c.began))
	time.Sleep(c.slow)
	return c.err
}

// packet is one of a track at so many ms.
type packet struct{ id, at int }

// timed runs a test with a pacer by a clock, whose warnings it gathers.
func timed(t *testing.T, test func(t *testing.T, p *Pacer, c *clock, said *[]error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, said := &clock{began: time.Now()}, new([]error)
		test(t, &Pacer{Sink: c, Warn: func(err error) { *said = append(*said, err) }}, c, said)
	})
}

func write(t *testing.T, p *Pacer, packets ...packet) {
	t.Helper()
	for _, x := range packets {
		require.NoError(t, p.WritePacket(&media.Packet{Track: &media.Track{ID: x.id}, DTS: ms(x.at)}))
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// Packets are handed on when their stamps say so, counted from the first one.
func TestWhenPacketsAreDue(t *testing.T) {
	for name, c := range map[string]struct {
		packets []packet
		want    []int // ms
	}{
		"the first is due at once, whatever its stamp": {[]packet{{1, 5_000_000}}, []int{0}},
		"before zero":                     {[]packet{{1, -1000}, {1, 0}}, []int{0, 1000}},
		"in time":                         {[]packet{{1, 0}, {1, 40}, {1, 80}, {1, 1000}}, []int{0, 40, 80, 1000}},
		"two of one stamp":                {[]packet{{1, 0}, {1, 40}, {1, 40}, {1, 80}}, []int{0, 40, 40, 80}},
		"a small step back loses no time": {[]packet{{1, 0}, {1, 1000}, {1, 500}, {1, 1040}}, []int{0, 1000, 1000, 1040}},
		"a large one begins anew":         {[]packet{{1, 0}, {1, 1000}, {1, 499}, {1, 539}}, []int{0, 1000, 1000, 1040}},
		"a gap":                           {[]packet{{1, 0}, {1, 15_000}}, []int{0, 15_000}},
		"a jump":                          {[]packet{{1, 0}, {1, 15_001}, {1, 15_041}}, []int{0, 0, 40}},
		"a jump back":                     {[]packet{{1, 60_000}, {1, 60_040}, {1, 0}, {1, 40}}, []int{0, 40, 40, 80}},
		"tracks go by one pace":           {[]packet{{1, 0}, {2, 30}, {1, 40}, {2, 60}}, []int{0, 30, 40, 60}},
		"a second track that begins before the first":        {[]packet{{1, 1000}, {2, 900}, {2, 1020}, {1, 1040}}, []int{0, 0, 20, 40}},
		"tracks jump together":                               {[]packet{{1, 0}, {2, 10}, {1, 90_000}, {2, 90_010}, {1, 90_040}}, []int{0, 10, 10, 20, 50}},
		"tracks that are apart do not wait for each other":   {[]packet{{1, 0}, {2, 90_000}, {1, 40}, {2, 90_040}, {2, 90_080}}, []int{0, 0, 40, 40, 80}},
		"one that is far from both has a third":              {[]packet{{1, 0}, {2, 90_000}, {3, 200_000}, {1, 40}, {3, 200_080}}, []int{0, 0, 0, 40, 80}},
		"a track of the old pace stays, one that steps back": {[]packet{{1, 0}, {2, 90_000}, {1, 1000}, {1, 90_000}, {1, 90_600}}, []int{0, 0, 1000, 1000, 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, p *Pacer, k *clock, said *[]error) {
				write(t, p, c.packets...)
				var want []time.Duration
				for _, at := range c.want {
					want = append(want, ms(at))
				}
				require.Equal(t, want, k.came)
				require.Empty(t, *said)
			})
		})
	}
}

// What was late is made up for: who is slow with one packet does not get all others later.
func TestLate(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		write(t, p, packet{1, 0}, packet{1, 40})
		c.slow = ms(100)
		write(t, p, packet{1, 80})
		c.slow = 0
		write(t, p, packet{1, 120}, packet{1, 160}, packet{1, 200})
		require.Equal(t, []time.Duration{0, ms(40), ms(80), ms(180), ms(180), ms(200)}, c.came)
		time.Sleep(Furthest + time.Second) // that would be no making up for, but a flood
		write(t, p, packet{1, 240}, packet{1, 280})
		require.Equal(t, ms(40), c.came[7]-c.came[6])
	})
}

// Tracks that are apart are told of, once, and not where all of them have only jumped.
func TestWarnsOfTracksApart(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, said *[]error) {
		for i := range 4 * ManyTurns { // the first packet of a track is no turn
			require.Len(t, *said, min(max(2*i-2, 0)/ManyTurns, 1), "before the pair %d", i)
			write(t, p, packet{1, i * 40}, packet{2, 90_000 + i*40})
		}
		require.Equal(t, []error{ErrApart}, *said)
		require.Equal(t, ms(40*(4*ManyTurns-1)), c.came[len(c.came)-1])
	})
	timed(t, func(t *testing.T, p *Pacer, _ *clock, said *[]error) {
		for i := range 4 * ManyTurns {
			jump := i * 90_000
			write(t, p, packet{1, jump}, packet{2, jump + 10}, packet{1, jump + 40})
		}
		for i := range 4 * ManyTurns {
			write(t, p, packet{1, i * 40})
		}
		require.Empty(t, *said)
	})
	timed(t, func(t *testing.T, p *Pacer, _ *clock, said *[]error) {
		for i := range 4 { // apart, but not for long: one jumps, and the other does a little later
			base, next := i*90_000, (i+1)*90_000
			for at := 0; at < 40*ManyTurns/3; at += 40 {
				write(t, p, packet{1, base + 1000 + at}, packet{2, next + at})
			}
			write(t, p, packet{1, next + 500})
		}
		require.Empty(t, *said)
	})
}

// Stamps of another period have nothing to do with those before, however near they are.
func TestPeriods(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		write(t, p, packet{1, 0}, packet{2, 0}, packet{1, 40})
		p.Period++
		write(t, p, packet{1, 5000}, packet{2, 5010}, packet{1, 5040})
		require.Equal(t, []time.Duration{0, 0, ms(40), ms(40), ms(50), ms(80)}, c.came)
		p.Period++
		write(t, p, packet{3, 9000}, packet{1, 9010})
		require.Equal(t, []time.Duration{ms(80), ms(90)}, c.came[6:])
	})
}

// It is known when a packet would be due, where something goes before it.
func TestDue(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		_, known := p.Due(1, 0, time.Now())
		require.False(t, known)
		write(t, p, packet{1, 1000})
		for _, id := range []int{1, 2} {
			at, known := p.Due(id, ms(1500), time.Now())
			require.True(t, known)
			require.Equal(t, c.began.Add(ms(500)), at)
			at, known = p.Due(id, time.Hour, time.Now())
			require.False(t, known)
			require.Equal(t, time.Now(), at)
		}
		write(t, p, packet{1, 1500})
		require.Equal(t, []time.Duration{0, ms(500)}, c.came, "to ask changes nothing")
	})
}

// A pace may become later, by 6 s in all: further behind than that nobody is kept.
func TestSlip(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		p.Slip(1, 0, time.Second) // there is nothing to slip
		write(t, p, packet{1, 0}, packet{2, 20})
		p.Slip(1, ms(40), time.Second)
		write(t, p, packet{1, 40}, packet{2, 60})
		p.Slip(2, ms(80), -time.Second)
		write(t, p, packet{1, 80})
		p.Slip(2, ms(100), 3*time.Second)
		p.Slip(1, ms(100), 3*time.Second)
		write(t, p, packet{1, 100})
		p.Slip(1, ms(140), time.Hour)
		write(t, p, packet{1, 140})
		require.Equal(t, []time.Duration{0, ms(20), ms(1040), ms(1060), ms(1080), ms(6100), ms(6140)}, c.came)
	})
}

// What begins anew is due at once: all of it, or one track.
func TestBeginsAnew(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		write(t, p, packet{1, 0}, packet{2, 0})
		p.Restart()
		write(t, p, packet{1, 10_000}, packet{2, 10_040})
		require.Equal(t, []time.Duration{0, 0, 0, ms(40)}, c.came)
		p.Forget(1) // it may step back, and go by the pace of the other
		write(t, p, packet{1, 9000}, packet{1, 10_080}, packet{2, 10_090})
		require.Equal(t, []time.Duration{ms(40), ms(80), ms(90)}, c.came[4:])
	})
}

// However many tracks a source invents, few are known.
func TestManyTracks(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		for id := range 20 * maxTracks {
			write(t, p, packet{id, id})
			require.LessOrEqual(t, len(p.tracks), maxTracks)
			require.Equal(t, ms(id), c.came[id])
		}
	})
}

// Waiting ends with the source, and nothing comes after that.
func TestDone(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		done, why := make(chan struct{}), errors.New("no more")
		p.Done, p.Why = done, func() error { return why }
		write(t, p, packet{1, 0})
		time.AfterFunc(time.Second, func() { close(done) })
		for range 2 { // while it waits, and before
			require.ErrorIs(t, p.WritePacket(&media.Packet{Track: &media.Track{ID: 1}, DTS: 10 * time.Second}), why)
			require.Equal(t, time.Second, time.Since(c.began))
		}
		require.Len(t, c.came, 1)
	})
}

// Somebody who watches for silence hears of what has come, and of what was handed on behind a wait.
func TestCame(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		p.Came = new(atomic.Int64)
		came := func() time.Duration { return time.Unix(0, p.Came.Load()).Sub(c.began) }
		time.Sleep(time.Second)
		write(t, p, packet{1, 0})
		require.Equal(t, time.Second, came())
		time.Sleep(time.Second)
		waits := make(chan struct{})
		go func() {
			defer close(waits)
			write(t, p, packet{1, 10_000})
		}()
		synctest.Wait()
		require.Equal(t, 2*time.Second, came())
		<-waits
		require.Equal(t, 11*time.Second, came())
	})
}

// The sink hears of the tracks, and its errors are those of the pacer.
func TestSinkOfAPacer(t *testing.T) {
	timed(t, func(t *testing.T, p *Pacer, c *clock, _ *[]error) {
		track := &media.Track{ID: 1}
		require.NoError(t, p.SetTracks(track))
		require.Equal(t, []*media.Track{track}, c.tracks)
		c.err = errors.New("full")
		require.ErrorIs(t, p.SetTracks(track), c.err)
		require.ErrorIs(t, p.WritePacket(&media.Packet{Track: track}), c.err)
	})
}
