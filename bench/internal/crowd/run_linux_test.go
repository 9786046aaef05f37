package crowd

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

// stub serves the same stream to everybody, in real time, until the test ends. spoil may change a tag.
func stub(t *testing.T, spoil func(n int, tag []byte) []byte) *url.URL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(slices.Concat(flvtest.Header(), flvtest.Configs()))
		flush := http.NewResponseController(w)
		for n := 0; r.Context().Err() == nil; n++ {
			tag := flvtest.Tag(flvtest.Video, uint32(n*40), flvtest.AVCPicture(n%10 == 0, 1000))
			if spoil != nil {
				tag = spoil(n, tag)
			}
			if _, err := w.Write(tag); err != nil || flush.Flush() != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/live/a.live.flv")
	require.NoError(t, err)
	return u
}

// noLeaks checks at the end of a test that no goroutine is left. It must be called before anything else.
func noLeaks(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
}

func runShortly(t *testing.T, cfg Config) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cfg.Window = 300 * time.Millisecond
	res, err := Run(ctx, cfg)
	require.NoError(t, err)
	return res
}

func TestRunMeasures(t *testing.T) {
	noLeaks(t)
	u := stub(t, nil)
	res := runShortly(t, Config{Proto: "flv", URL: u, N: 8, Samples: 2, Probes: 2, PID: os.Getpid()})
	require.Empty(t, res.Faults)
	require.Zero(t, res.Lost)
	require.Positive(t, res.Bytes)
	require.Positive(t, res.Rate)
	require.Positive(t, res.Pictures)
	require.Positive(t, res.GapMS.Max)
	require.Equal(t, 2, res.KeyMS.N)
	require.GreaterOrEqual(t, res.KeyMS.P50, res.MediaMS.P50)
	require.Positive(t, res.Server.EndKB)
	require.Nil(t, res.Freeze)
}

func TestRunReportsMalformedData(t *testing.T) {
	noLeaks(t)
	u := stub(t, func(n int, tag []byte) []byte {
		if n == 5 {
			tag[4] = 0xFF // a stamp far ahead: the next one goes back
		}
		return tag
	})
	res := runShortly(t, Config{Proto: "flv", URL: u, N: 3, Samples: 1, Settle: 600 * time.Millisecond})
	require.Equal(t, 1, res.Lost)
	require.Len(t, res.Faults, 1)
	require.Contains(t, res.Faults[0], "malformed")
}

func TestRunCountsRefusals(t *testing.T) {
	noLeaks(t)
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	res := runShortly(t, Config{Proto: "flv", URL: u, N: 4, Samples: 1, Probes: 1})
	require.Equal(t, 5, res.Lost, "the newcomer, too")
	require.Contains(t, res.Faults[0], "404")
	require.Zero(t, res.Bytes)
}

func TestRunCountsDisconnections(t *testing.T) {
	noLeaks(t)
	var served atomic.Int32
	u := stub(t, func(_ int, tag []byte) []byte {
		if served.Add(1) > 40 {
			panic(http.ErrAbortHandler)
		}
		return tag
	})
	res := runShortly(t, Config{Proto: "flv", URL: u, N: 2, Settle: 600 * time.Millisecond})
	require.Equal(t, 2, res.Lost)
	require.Contains(t, res.Faults[0], "disconnected")
}

func TestRunFreezes(t *testing.T) {
	noLeaks(t)
	u := stub(t, nil)
	res := runShortly(t, Config{Proto: "flv", URL: u, N: 6, Samples: 1, Frozen: 2, FreezeFor: 200 * time.Millisecond})
	require.Empty(t, res.Faults)
	f := res.Freeze
	require.NotNil(t, f)
	require.Equal(t, 2, f.Players)
	require.Zero(t, f.Lost)
	require.Positive(t, f.GapBefore.N)
	require.Positive(t, f.GapDuring.N)
	require.Contains(t, f.Outcome, "without a gap")
	require.False(t, f.ResumedAtKey)
}

func TestRunRawBytes(t *testing.T) {
	noLeaks(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(make([]byte, 1000))
			defer c.Close()
		}
	}()
	u, err := url.Parse("tcp://" + l.Addr().String())
	require.NoError(t, err)
	res := runShortly(t, Config{Proto: "raw", URL: u, N: 3, Rate: 1e9})
	require.Zero(t, res.Lost)
	require.Equal(t, 3, res.Slow)
	require.NoError(t, l.Close())
	<-done
}

func TestRunEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	u := stub(t, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	enough := fmt.Errorf("enough")
	cancel(enough)
	_, err := Run(ctx, Config{Proto: "flv", URL: u, N: 1, Window: time.Minute})
	require.ErrorIs(t, err, enough)
}

func TestRunRefusesNonsense(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("tcp://127.0.0.1:1")
	require.NoError(t, err)
	for name, cfg := range map[string]Config{
		"no URL":            {N: 1, Window: 1},
		"no port":           {URL: &url.URL{Host: "a"}, N: 1, Window: 1},
		"no players":        {URL: u, Window: 1},
		"too many samples":  {URL: u, N: 1, Samples: 2, Window: 1},
		"too many frozen":   {URL: u, N: 1, Frozen: 2, FreezeFor: 1, Window: 1},
		"no window":         {URL: u, N: 1},
		"no time to freeze": {URL: u, N: 1, Frozen: 1, Window: 1},
		"raw samples":       {URL: u, Proto: "raw", N: 1, Samples: 1, Window: 1},
	} {
		_, err := Run(context.Background(), cfg)
		require.Error(t, err, name)
	}
	_, err = Run(context.Background(), Config{Proto: "raw", URL: u, N: 1, Window: 1, PID: 1 << 30})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	players := []meter{
		{bytes: 1000},
		{bytes: 1000, silence: stall},
		{bytes: 1500, marked: 700},
	}
	r := &Result{Seconds: 1}
	r.judge(players, 0)
	require.InDelta(t, 1000, r.Rate, 1e-9)
	require.Equal(t, 1, r.Stalled)
	require.Equal(t, 1, r.Slow)
	r = &Result{Seconds: 1}
	r.judge(players, 800)
	require.Zero(t, r.Slow)
}

func TestMeter(t *testing.T) {
	t.Parallel()
	start := time.Now()
	m := meter{last: start}
	m.look(start.Add(3 * time.Second))
	m.mark()
	m.add(10, start.Add(4*time.Second))
	m.look(start.Add(5 * time.Second))
	m.add(0, start.Add(6*time.Second))
	require.Equal(t, time.Second, m.silence)
	require.EqualValues(t, 10, m.bytes-m.marked)
}

func TestRaiseFileLimit(t *testing.T) {
	require.NoError(t, RaiseFileLimit(10))
}
