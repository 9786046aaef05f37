package media

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
)

// admission is how a player or publisher comes to be, step by step, in the order of Play and Publish.
type admission struct {
	session *Session
	enter   func() error
	begin   func() error
	begun   func() bool
	close   func(error) // what a protocol does that hears of a kick; nil if the session is its own
}

// newAdmissions returns a player, of the stream of pub, and a publisher, each with a session of its own and with one that a
// protocol closes.
func newAdmissions(s *Server, pub *Publisher) map[string]*admission {
	player := func(x *Session) *admission {
		p := &Player{server: s, session: x, ownSession: x == nil, request: PlayRequest{Stream: pub.stream.key}}
		if x == nil {
			p.session = s.NewSession(hook.Session{}, p.kicked)
		}
		a := &admission{session: p.session, begin: p.begin, begun: p.joined.Load, close: p.Close}
		a.enter = func() error { _, err := s.join(p); return err }
		return a.of(x)
	}
	publisher := func(x *Session) *admission {
		p := &Publisher{server: s, session: x, ownSession: x == nil, done: make(chan struct{})}
		if x == nil {
			p.session = s.NewSession(hook.Session{}, p.kicked)
		}
		other := StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "other"}
		a := &admission{session: p.session, begin: p.begin, begun: p.attached.Load, close: p.Close}
		a.enter = func() error { return s.attach(p, other, s.config().Options) }
		return a.of(x)
	}
	return map[string]*admission{
		"player": player(nil), "publisher": publisher(nil),
		"player of a protocol":    player(s.NewSession(hook.Session{}, nil)),
		"publisher of a protocol": publisher(s.NewSession(hook.Session{}, nil)),
	}
}

// of leaves it to a to close itself if it has no session x of a protocol.
func (a *admission) of(x *Session) *admission {
	if x == nil {
		a.close = nil
	}
	return a
}

// mark and tell are the halves of Session.Kick: the session is marked, and then its owner is told.
func (a *admission) mark() { a.session.end(ErrKicked) }

func (a *admission) tell() {
	if a.close == nil {
		a.session.kick(ErrKicked)
	} else if a.begun() {
		a.close(ErrKicked)
	}
}

// A session that is kicked at any moment of its admission is neither counted nor listed afterwards. Each half of the kick
// falls before, between and behind the steps, in all orders there are.
func TestKickDuringAdmission(t *testing.T) {
	for mark := range 3 {
		for tell := mark; tell < 3; tell++ {
			kickDuringAdmission(t, mark, tell)
		}
	}
}

func kickDuringAdmission(t *testing.T, mark, tell int) {
	s, err := New(Config{})
	require.NoError(t, err)
	defer s.Close()
	pub, err := s.Publish(t.Context(), PublishRequest{Stream: StreamKey{App: "live", Name: "test"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&Track{ID: 1, Codec: H264, ClockRate: 90000}))
	for name, a := range newAdmissions(s, pub) {
		steps := []func() error{a.enter, a.begin, func() error { return nil }}
		for i, step := range steps {
			if i == mark {
				a.mark()
			}
			if i == tell {
				a.tell()
			}
			err := step()
			if i == 1 && mark <= 1 {
				require.ErrorIs(t, err, ErrKicked, name)
			} else {
				require.NoError(t, err, name)
			}
		}
		require.Nil(t, a.session.Publisher(), name)
		a.session.Close()
		_, all := pub.stream.Readers("")
		require.Zero(t, all, "%s, kicked at %d and told at %d, is counted", name, mark, tell)
	}
	require.Len(t, slices.Collect(s.Sessions()), 1, "the publisher alone is listed")
}

// Whoever is admitted can be told before it looks whether it was kicked: else a kick in between is lost.
func TestAdmissionCanBeToldBeforeItLooks(t *testing.T) {
	s, err := New(Config{})
	require.NoError(t, err)
	defer s.Close()
	pub, err := s.Publish(t.Context(), PublishRequest{Stream: StreamKey{App: "live", Name: "test"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&Track{ID: 1, Codec: H264, ClockRate: 90000}))
	for name, a := range newAdmissions(s, pub) {
		require.NoError(t, a.enter(), name)
		begun := make(chan error, 1)
		a.session.mu.Lock() // it cannot look yet
		go func() { begun <- a.begin() }()
		require.Eventually(t, a.begun, 20*time.Second, time.Millisecond, name)
		a.session.mu.Unlock()
		require.NoError(t, <-begun, name)
		a.mark()
		a.tell()
		require.Nil(t, a.session.Publisher(), name)
	}
	_, all := pub.stream.Readers("")
	require.Zero(t, all)
}
