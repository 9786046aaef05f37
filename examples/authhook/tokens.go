package main

import (
	"context"
	"crypto/subtle"

	"github.com/sluice-media/sluice/hook"
)

// tokens admits who shows the right token in the query of the URL.
type tokens struct{ publish, play string }

// Without these lines a method that is misspelled or of another type would be found only when media.New refuses it.
var (
	_ hook.PublishHook = (*tokens)(nil)
	_ hook.PlayHook    = (*tokens)(nil)
)

// OnPublish implements [hook.PublishHook]. Whoever it refuses is told so before anything has started.
func (t *tokens) OnPublish(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	return hook.PublishReply{}, check(ev.Session, t.publish)
}

// OnPlay implements [hook.PlayHook], for every protocol.
func (t *tokens) OnPlay(_ context.Context, ev *hook.PlayEvent) error {
	return check(ev.Session, t.play)
}

// check compares in constant time, so that nobody can find the token by trying how long an answer takes.
func check(session hook.Session, want string) error {
	got := session.Query().Get("token")
	if want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return hook.Deny(401, "bad token")
	}
	return nil
}
