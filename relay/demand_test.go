package relay

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// newDemanding is a server with a relay, whose streams nobody watches for long.
func newDemanding(t *testing.T) (*media.Server, *Relay) {
	t.Helper()
	m, err := media.New(media.Config{NoneReaderDelay: time.Second, PlayWait: patience})
	require.NoError(t, err)
	r, err := New(m, Config{})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, r.Close())
		require.NoError(t, m.Close())
	})
	return m, r
}

func watch(t *testing.T, m *media.Server, key media.StreamKey, params string) (*media.Player, error) {
	t.Helper()
	return m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "rtmp", Params: params})
}

// However many ask for a stream, it is pulled once, for as long as somebody watches; and again when somebody does.
func TestOnDemand(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	m, r := newDemanding(t)
	var asked atomic.Int32
	stop := r.OnDemand(func(key media.StreamKey) (string, bool) {
		asked.Add(1)
		return "rtmp://" + o.rtmp + "/live/" + key.Name, key.App == "edge"
	})
	for range 2 {
		var all sync.WaitGroup
		players := make([]*media.Player, 20)
		for i := range players {
			all.Go(func() {
				p, err := m.Play(t.Context(), media.PlayRequest{Stream: edge, Schema: "rtmp"})
				if err == nil {
					players[i] = p
				}
			})
		}
		all.Wait()
		require.Len(t, r.Pulls(), 1)
		for _, p := range players {
			require.NotNil(t, p)
			p.Close(nil)
		}
		require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond, "nobody watches")
		_, ok := m.Stream(edge)
		require.False(t, ok)
	}
	stop()
	before := asked.Load()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := m.Play(ctx, media.PlayRequest{Stream: edge, Schema: "rtmp"})
	require.Error(t, err)
	require.Equal(t, before, asked.Load())
}

// What cannot be pulled is asked for once, and said at once.
func TestOnDemandFails(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	defer s.Close()
	m, r := newDemanding(t)
	r.OnDemand(func(media.StreamKey) (string, bool) { return s.URL + "/x.flv", true })
	for range 20 {
		_, err := watch(t, m, edge, "")
		require.ErrorIs(t, err, media.ErrStreamNotFound)
		status, ok := errors.AsType[*web.StatusError](err)
		require.True(t, ok)
		require.Equal(t, 404, status.Code)
	}
	require.EqualValues(t, 1, asked.Load())
	require.Empty(t, r.Pulls())
	require.Eventually(t, func() bool {
		_, err := watch(t, m, edge, "")
		return errors.Is(err, media.ErrStreamNotFound) && asked.Load() == 2
	}, patience, 100*time.Millisecond, "after a second it is asked for again")
}

// A player whom the origin refuses spoils nothing for another: neither for who waits meanwhile, nor for who asks right after.
func TestRefusedSpoilsNothingForOthers(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	refuse := make(chan struct{}, 2)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("token") != "good" {
			<-refuse
			http.Error(w, "bad token", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, "http://"+o.http+r.URL.RequestURI(), http.StatusFound)
	}))
	defer front.Close()
	m, r := newDemanding(t)
	_, err := r.Edge(EdgeConfig{Origins: []string{front.URL + "/%s/%s.live.flv"}})
	require.NoError(t, err)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}

	refused, served := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := watch(t, m, key, "token=bad")
		refused <- err
	}()
	require.Eventually(t, func() bool { return len(r.Pulls()) == 1 }, patience, time.Millisecond)
	go func() {
		p, err := watch(t, m, key, "token=good")
		if err == nil {
			p.Close(nil)
		}
		served <- err
	}()
	time.Sleep(50 * time.Millisecond) // most likely it waits by now
	refuse <- struct{}{}
	require.ErrorIs(t, <-refused, media.ErrStreamNotFound)
	require.NoError(t, <-served)
	require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)

	refuse <- struct{}{}
	_, err = watch(t, m, key, "token=bad")
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	p, err := watch(t, m, key, "token=good")
	require.NoError(t, err)
	p.Close(nil)
}

// However many bad tokens one has, who comes from elsewhere with a good one is not behind them all; nor is anybody else by then.
func TestManyBadTokens(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	refuse := make(chan struct{})
	var refused, ahead atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("token") == "good" {
			ahead.CompareAndSwap(-1, refused.Load())
			http.Redirect(w, r, "http://"+o.http+r.URL.RequestURI(), http.StatusFound)
			return
		}
		<-refuse
		refused.Add(1)
		http.Error(w, "bad token", http.StatusUnauthorized)
	}))
	defer front.Close()
	m, r := newDemanding(t)
	e := &origins{cfg: EdgeConfig{Origins: []string{front.URL + "/%s/%s.live.flv"}, Timeout: patience}, id: "edge"}
	d := newDemand(r, e.sources)
	m.Open(d)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}
	ahead.Store(-1)
	var players sync.WaitGroup
	play := func(from, token string) {
		players.Go(func() {
			x := m.NewSession(hook.Session{Remote: netip.MustParseAddrPort(from)}, func(error) {})
			defer x.Close()
			p, err := m.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "rtmp", Session: x, Params: "token=" + token})
			if err == nil {
				p.Close(nil)
			}
			if token == "good" {
				assert.NoError(t, err)
			}
		})
	}
	waiting := func(n int) {
		require.Eventually(t, func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.queues[key] != nil && len(d.queues[key].waiters) == n
		}, patience, time.Millisecond)
	}
	const bad = 200
	for i := range bad {
		if play("192.0.2.1:1000", "bad"+strconv.Itoa(i)); i == bad/2 {
			waiting(i + 1)
			play("192.0.2.2:1000", "good")
			waiting(i + 2)
		}
	}
	waiting(bad + 1)
	close(refuse)
	players.Wait()
	require.LessOrEqual(t, ahead.Load(), int32(2), "who has been asked about before")
	require.GreaterOrEqual(t, ahead.Load(), int32(1))
	require.Empty(t, d.queues)
	require.Empty(t, d.opening)
}

// Nobody waits for the answer to a question whose player has left.
func TestWhoHasAskedLeaves(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("token") != "good" {
			<-r.Context().Done()
			return
		}
		http.Redirect(w, r, "http://"+o.http+r.URL.RequestURI(), http.StatusFound)
	}))
	defer front.Close()
	m, r := newDemanding(t)
	d := newDemand(r, (&origins{cfg: EdgeConfig{Origins: []string{front.URL + "/%s/%s.live.flv"}, Timeout: time.Hour}, id: "edge"}).sources)
	m.Open(d)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}
	ctx, leave := context.WithCancel(t.Context())
	var players sync.WaitGroup
	players.Go(func() {
		_, err := m.Play(ctx, media.PlayRequest{Stream: key, Schema: "rtmp", Params: "token=slow"})
		assert.ErrorIs(t, err, context.Canceled)
	})
	require.Eventually(t, func() bool { return len(r.Pulls()) == 1 }, patience, time.Millisecond)
	players.Go(func() {
		p, err := watch(t, m, key, "token=good")
		if assert.NoError(t, err) {
			p.Close(nil)
		}
	})
	require.Eventually(t, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.queues[key].waiters) == 2
	}, patience, time.Millisecond)
	leave()
	players.Wait()
}

// Turns go from network to network, and there by who came first.
func TestTurns(t *testing.T) {
	q := &queue{turns: map[netip.Prefix]int{}}
	var all []*waiter
	for i, from := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::ffff:1", "::ffff:192.0.2.1", "192.0.2.2"} {
		w := &waiter{question: question{urls: [32]byte{byte(i)}}, from: network(netip.MustParseAddr(from))}
		all, q.waiters = append(all, w), append(q.waiters, w)
	}
	var got []int
	for range all {
		w := q.next(func(question) bool { return true })
		got = append(got, slices.Index(all, w))
		q.waiters = slices.DeleteFunc(q.waiters, func(x *waiter) bool { return x == w })
	}
	require.Equal(t, []int{0, 3, 6, 1, 4, 2, 5}, got)
	require.Nil(t, q.next(func(question) bool { return true }))
	q.waiters = slices.Clone(all)
	for _, w := range all {
		require.True(t, q.remove(w))
		require.False(t, q.remove(w))
	}
	require.Empty(t, q.turns, "nothing is kept of who has left")
}

// A pull ends when all who wait for it leave, and begins again with the next.
func TestAllLeaveBeforeItComes(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	m, r := newDemanding(t)
	_, err = r.Edge(EdgeConfig{Origins: []string{"http://" + silent.Addr().String() + "/%s/%s.live.flv"}, Timeout: time.Hour})
	require.NoError(t, err)
	for range 2 {
		ctx, leave := context.WithCancel(t.Context())
		var players sync.WaitGroup
		for range 3 {
			players.Go(func() { _, _ = m.Play(ctx, media.PlayRequest{Stream: edge, Schema: "rtmp"}) })
		}
		require.Eventually(t, func() bool { return len(r.Pulls()) == 1 }, patience, time.Millisecond)
		leave()
		players.Wait()
		require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)
	}
}

// When the source goes away while nobody watches, it is not tried for ever.
func TestOnDemandIsLeft(t *testing.T) {
	o, stop := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	m, r := newDemanding(t)
	r.OnDemand(func(media.StreamKey) (string, bool) { return "rtmp://" + o.rtmp + "/live/cam", true })
	p, err := watch(t, m, edge, "")
	require.NoError(t, err)
	stop()
	require.Eventually(t, func() bool { return len(r.Pulls()) == 1 && r.Pulls()[0].State != Playing }, patience, time.Millisecond)
	p.Close(nil)
	require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)
}

// An edge asks its origins, each time another first, and tells them what the player has said.
func TestEdge(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	m, r := newDemanding(t)
	_, err := r.Edge(EdgeConfig{Origins: []string{"rtmp://127.0.0.1:1/%s/%s", "http://" + o.http + "/%s/%s.live.flv?k=v"}})
	require.NoError(t, err)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}
	for range 2 {
		p, err := watch(t, m, key, "token=x&vhost=other")
		require.NoError(t, err)
		require.Len(t, o.players("live/cam"), 1)
		require.Regexp(t, `^k=v&edge=1&hops=[a-z0-9]{12}&vhost=__defaultVhost__&token=x$`, o.players("live/cam")[0].Params)
		p.Close(nil)
		require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)
	}
	for _, bad := range []string{"rtmp://h/%s", "rtmp://h/%s/%s/%s", "%s/%s", "://%s%s"} {
		_, err := r.Edge(EdgeConfig{Origins: []string{bad}})
		require.Error(t, err, bad)
	}
}

// When nobody watches what is pulled on demand, the host is asked, as of any stream that closes by itself, and cannot keep it; of what an edge
// pulls it is not.
func TestNobodyWatches(t *testing.T) {
	o, _ := newOrigin(t, "127.0.0.1:0", "127.0.0.1:0")
	o.publish(t)
	var asked atomic.Int32
	m, err := media.New(media.Config{NoneReaderDelay: 100 * time.Millisecond, PlayWait: patience, Hooks: []hook.Hook{hook.Funcs{
		OnStreamNoneReader: func(context.Context, *hook.StreamEvent) (bool, error) {
			asked.Add(1)
			return false, nil
		},
	}}})
	require.NoError(t, err)
	defer m.Close()
	r, err := New(m, Config{})
	require.NoError(t, err)
	key := media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}
	for want, begin := range []func() func(){
		func() func() {
			stop, err := r.Edge(EdgeConfig{Origins: []string{"rtmp://" + o.rtmp + "/%s/%s"}})
			require.NoError(t, err)
			return stop
		},
		func() func() {
			return r.OnDemand(func(media.StreamKey) (string, bool) { return "rtmp://" + o.rtmp + "/live/cam", true })
		},
	} {
		stop := begin()
		p, err := watch(t, m, key, "")
		require.NoError(t, err)
		st := p.Stream()
		p.Close(nil)
		<-st.Done()
		require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)
		require.EqualValues(t, want, asked.Load())
		stop()
	}
}

// players are the sessions that play a stream here.
func (o *origin) players(stream string) (list []hook.Session) {
	for x := range o.media.Sessions() {
		if p := x.Player(); p != nil && p.Stream() != nil && p.Stream().Key().App+"/"+p.Stream().Key().Name == stream {
			list = append(list, x.Info())
		}
	}
	return list
}

// Three edges in a ring, none of which has the stream: the player is told, and at once.
func TestRingOfEdges(t *testing.T) {
	const count = 3
	var addrs []string
	var handlers [count]atomic.Pointer[web.Handler]
	for i := range count {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handlers[i].Load().ServeHTTP(w, r) }))
		defer s.Close()
		addrs = append(addrs, s.URL)
	}
	var first *media.Server
	for i := range count {
		m, r := newDemanding(t)
		h, err := web.NewHandler(m, web.Config{})
		require.NoError(t, err)
		handlers[i].Store(h)
		_, err = r.Edge(EdgeConfig{Origins: []string{addrs[(i+1)%count] + "/%s/%s.live.flv?key=x"}})
		require.NoError(t, err)
		if i == 0 {
			first = m
		}
	}
	began := time.Now()
	_, err := watch(t, first, edge, "")
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	require.Less(t, time.Since(began), patience/2, "the loop is seen, not waited out")
}

// Who is no edge tells edges at once that a stream is not there; others wait for it.
func TestAnswersEdges(t *testing.T) {
	m, r := newDemanding(t)
	_, err := r.Edge(EdgeConfig{})
	require.NoError(t, err)
	_, err = watch(t, m, edge, "edge=1&vhost=x")
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = m.Play(ctx, media.PlayRequest{Stream: edge, Schema: "rtmp", Params: "x=1&edge=1"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// Names and queries of players do not change where an origin is.
func TestOriginURL(t *testing.T) {
	for _, c := range []struct{ app, name, want string }{
		{"live", "cam", "rtmp://h/live/cam?q=1"},
		{"live", "a/b c", "rtmp://h/live/a/b%20c?q=1"},
		{"%s", "x?y#z", "rtmp://h/%25s/x%3Fy%23z?q=1"},
		{"a@b:c", "é", "rtmp://h/a@b:c/%C3%A9?q=1"},
	} {
		got, err := originURL("rtmp://h/%s/%s", media.StreamKey{App: c.app, Name: c.name}, "q=1")
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for params, want := range map[string]bool{"edge=1": true, "edge=1&x": true, "x&edge=1": false, "": false, "hops=a": false, "x&edge=1&hops=a": true} {
		_, fromEdge := hopsOf(params)
		require.Equal(t, want, fromEdge, params)
	}
	require.Equal(t, "edge=1&hops=a.b&vhost=v&t=%20&x",
		edgeQuery([]string{"a", "b"}, "v", "edge=1&hops=a&t=%20&vhost=q&&x"))
}
