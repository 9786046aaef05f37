package web

import (
	"cmp"
	"math/rand/v2"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// crowdTarget is the target duration of what the players of the tests watch.
const crowdTarget = 2 * time.Second

// sitting is a place with players that return no cookies, and what has become of their requests.
type sitting struct {
	l     viewers
	place place
	asked int // how often a hook was asked
}

// ask is a request at a time since the beginning, by a connection with a port; 0 for one that is only for this request.
func (s *sitting) ask(at time.Duration, port int, blocking bool) (*viewer, error) {
	a := ask{at: time.Unix(1_000_000, 0).Add(at), blocking: blocking}
	if port > 0 {
		a.wire = netip.AddrPortFrom(s.place.addr, uint16(port))
	}
	v, err := s.l.again(httptest.NewRequest("GET", "/", nil), s.place, a, nil)
	if v == nil && err == nil {
		s.asked++
		v = &viewer{
			cookie: newCookie(), place: s.place, target: crowdTarget, live: new(hls.Live),
			timer: time.AfterFunc(time.Hour, func() {}),
		}
		v.endless.Store(true)
		s.l.add(v, a, nil)
	}
	return v, err
}

// reload is one of a player.
type reload struct {
	at   time.Duration
	port int
}

// run does requests in their order, each of which is answered at once.
func (s *sitting) run(t *testing.T, list []reload) {
	t.Helper()
	slices.SortStableFunc(list, func(a, b reload) int { return cmp.Compare(a.at, b.at) })
	for _, r := range list {
		v, err := s.ask(r.at, r.port, false)
		require.NoError(t, err)
		s.l.answered(v, netip.AddrPortFrom(s.place.addr, uint16(r.port)))
	}
}

// every is a player that reloads again and again, by connections in turn.
func every(begin, period time.Duration, ports ...int) (list []reload) {
	for i := range 30 {
		list = append(list, reload{begin + time.Duration(i)*period, ports[i%len(ports)]})
	}
	return list
}

// Fifty players behind one address that return no cookies are fifty, each of which a hook was asked about once, whenever they come.
func TestCrowdWithoutCookies(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := &sitting{place: viewerIn("192.0.2.1", "x").place}
		var list []reload
		for i := range 50 {
			begin := time.Duration(random.Int64N(int64(5 * crowdTarget)))
			period := crowdTarget + time.Duration(random.Int64N(int64(crowdTarget/20)))
			list = append(list, every(begin, period, i+1)...)
		}
		s.run(t, list)
		require.Len(t, s.l.all(), 50)
		require.Equal(t, 50, s.asked)
	}
}

// One player is one, and a hook is asked about it once, whatever it does with its connections.
func TestOnePlayerWithoutCookies(t *testing.T) {
	for name, list := range map[string][]reload{
		"one connection":                every(0, crowdTarget, 1),
		"in a hurry":                    every(0, crowdTarget/20, 1),
		"one for each request":          every(0, crowdTarget, 0),
		"one for each, unchanged":       every(0, crowdTarget/2, 0),
		"one for each, unsaid":          every(0, crowdTarget, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20),
		"several":                       every(0, crowdTarget, 1, 2, 3, 2, 2),
		"several, when it is unchanged": every(0, crowdTarget/2, 1, 1, 1, 2),
		"another network":               slices.Concat(every(0, crowdTarget, 1), every(30*crowdTarget, crowdTarget, 2)),
	} {
		t.Run(name, func(t *testing.T) {
			s := &sitting{place: viewerIn("192.0.2.1", "x").place}
			s.run(t, list)
			require.Equal(t, 1, s.asked)
			require.Len(t, s.l.all(), 1)
			v := s.l.all()[0]
			require.LessOrEqual(t, len(v.wires), maxWires)
			require.Equal(t, len(v.wires), s.l.crowds.Get(s.place).wires.Len())
			require.True(t, s.l.end(v, nil))
			require.Zero(t, s.l.crowds.Len())
		})
	}
}

// Players of low-latency HLS wait at the same time, each for its own answer.
func TestCrowdThatWaits(t *testing.T) {
	s := &sitting{place: viewerIn("192.0.2.1", "x").place}
	const part = 500 * time.Millisecond
	for i := range 20 {
		var waiting []*viewer
		for port := 1; port <= 10; port++ {
			v, err := s.ask(time.Duration(i)*part+time.Duration(port)*25*time.Millisecond, port, i > 0)
			require.NoError(t, err)
			waiting = append(waiting, v)
		}
		for j, v := range waiting {
			s.l.answered(v, netip.AddrPortFrom(s.place.addr, uint16(j+1)))
		}
	}
	require.Len(t, s.l.all(), 10)
	require.Equal(t, 10, s.asked)
}

// A player that was kicked is refused by its connection, and nobody else in its stead.
func TestKickedInACrowd(t *testing.T) {
	s := &sitting{place: viewerIn("192.0.2.1", "x").place}
	s.run(t, slices.Concat(every(0, crowdTarget, 1), every(crowdTarget/3, crowdTarget, 2)))
	now := 31 * crowdTarget
	v, err := s.ask(now, 1, false)
	require.NoError(t, err)
	require.True(t, s.l.end(v, media.ErrKicked))
	for i := range 5 {
		at := now + time.Duration(i+1)*crowdTarget
		_, err = s.ask(at, 1, false)
		require.ErrorIs(t, err, media.ErrKicked)
		_, err = s.ask(at+crowdTarget/3, 2, false)
		require.NoError(t, err)
		_, err = s.ask(at+crowdTarget/2, 3, false)
		require.NoError(t, err)
	}
	require.Equal(t, 3, s.asked)
}
