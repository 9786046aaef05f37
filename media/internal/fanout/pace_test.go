package fanout

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A feed that is to catch up slowly begins at once with the newest start point, and sends what follows faster than it was
// made until it has caught up; from then on it sends what comes when it comes. So it is after a pause, and at the end.
func TestCatchUp(t *testing.T) {
	const step, rate, behind = 40 * time.Millisecond, 2, 50
	for _, kind := range []string{"sink", "connection"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := NewEngine(1)
				defer e.Close()
				s := newStream(e, Limits{Bytes: 1 << 20, Items: 1000})
				write := func(start bool) {
					s.write(50, start)
					s.dts += step
					s.group.Wake()
				}
				for i := range behind {
					write(i == 0)
				}
				feed, got, ended := newPaced(t, e, s, kind, rate)
				sent := func() int { // of the items
					synctest.Wait()
					n := got()
					return max(n-4, 0) / 50
				}
				live := func() { // a picture of now
					time.Sleep(step)
					write(false)
				}
				require.Equal(t, 1, sent(), "the start goes out at once")
				at := 0
				for ; sent() < behind+at; at++ {
					require.InDelta(t, 1+rate*at, sent(), 1, "after %v", time.Duration(at)*step)
					live()
				}
				require.InDelta(t, behind, at, 2, "it catches up after the time of what was there")
				live()
				require.Equal(t, behind+at+1, sent())
				before := sent()

				feed.Pause(true)
				write(true)
				for range behind - 1 {
					write(false)
				}
				feed.Pause(false)
				require.Equal(t, before+1, sent(), "it goes on at the start that came meanwhile")
				time.Sleep(step * 10)
				require.InDelta(t, before+1+rate*10, sent(), 1, "without anything new")
				s.log.Close()
				s.group.Wake()
				time.Sleep(step * 10)
				require.InDelta(t, before+1+rate*20, sent(), 1, "at the end of the stream too")
				require.ErrorIs(t, <-ended, io.EOF)
				require.Equal(t, before+behind, sent())
			})
		})
	}
}

// newPaced begins a feed of a kind, and returns what counts the bytes that it has sent.
func newPaced(t *testing.T, e *Engine, s *stream, kind string, rate float64) (feed interface{ Pause(on bool) }, bytes func() int, ended chan error) {
	t.Helper()
	ended = make(chan error, 1)
	onEnd := func(err error) { ended <- err }
	if kind == "sink" {
		sink := &memorySink{}
		f, err := e.NewSinkFeed(sink, s.log, s.group, SinkConfig{CatchUp: rate, OnEnd: onEnd}, nil)
		require.NoError(t, err)
		return f, func() (n int) {
			sink.mu.Lock()
			defer sink.mu.Unlock()
			for _, b := range sink.got {
				n += len(b)
			}
			return n
		}, ended
	}
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	count := make(chan int, 1)
	count <- 0
	go func() {
		b := make([]byte, 1000)
		for {
			n, err := client.Read(b)
			count <- <-count + n
			if err != nil {
				return
			}
		}
	}()
	f, err := e.NewFeed(server, s.log, s.group, FeedConfig{CatchUp: rate, OnEnd: func(err error) {
		server.Close()
		onEnd(err)
	}})
	require.NoError(t, err)
	return f, func() int {
		n := <-count
		count <- n
		return n
	}, ended
}

// A reader that catches up slowly is as far behind as it may be; what comes in a burst then does not make it lose anything.
// When it has caught up, or is gone, the log holds no more than before.
func TestCatchUpLosesNothing(t *testing.T) {
	const step, group = 40 * time.Millisecond, 50
	for _, kind := range []string{"sink", "connection"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := NewEngine(1)
				defer e.Close()
				s := newStream(e, Limits{Bytes: 1 << 20, Items: 1000})
				written := 0
				write := func() {
					s.write(50, written%group == 0)
					s.dts += step
					written++
					s.group.Wake()
				}
				for range group - 1 {
					write()
				}
				_, got, ended := newPaced(t, e, s, kind, 1.1)
				for range 20 { // what was held up before the reader came
					write()
				}
				for written < 15*group {
					time.Sleep(step)
					write()
				}
				synctest.Wait()
				require.Zero(t, s.log.late.Load())
				require.Less(t, int(s.log.Head()-s.log.Tail()), int(leeway/step)+2*group, "what is little is kept for longer")
				require.Equal(t, written, (got()-4)/50)

				paused, _, gone := newPaced(t, e, s, kind, 1.1)
				synctest.Wait()
				require.EqualValues(t, 1, s.log.late.Load())
				paused.Pause(true)
				time.Sleep(step)
				synctest.Wait()
				require.Zero(t, s.log.late.Load(), "nothing is kept for who is paused")
				paused.Pause(false)
				s.log.Close()
				s.group.Wake()
				require.ErrorIs(t, <-ended, io.EOF)
				require.ErrorIs(t, <-gone, io.EOF)
				require.Zero(t, s.log.late.Load())
			})
		})
	}
}
