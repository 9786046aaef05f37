package media_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// guard is a right hook that the wrong ones below embed.
type guard struct{}

var _ hook.PublishHook = guard{}

func (guard) OnPublish(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
	return hook.PublishReply{}, nil
}

type (
	byValue   struct{ guard }
	noError   struct{ guard }
	otherCase struct{ guard }
	onPointer struct{ guard }
	Door      struct{}
	twoDoors  struct {
		guard
		Door
		SideDoor
	}
	SideDoor  struct{}
	deepDoors struct {
		guard
		Hall
	}
	Hall struct {
		Door
		SideDoor
	}
	extraMulti struct{ hook.Funcs }
	lostMulti  struct {
		hook.Funcs
		Door
	}
	pointMulti struct{ guard }
	wide       struct{ guard }
)

func (byValue) OnPlay(context.Context, hook.PlayEvent) error                { return nil }
func (noError) OnStreamChanged(context.Context, *hook.StreamEvent) error    { return nil }
func (otherCase) OnHttpAccess(context.Context, *hook.HTTPAccessEvent) error { return nil } //nolint:staticcheck // a slip
func (*onPointer) OnPlay(context.Context, *hook.PlayEvent) error            { return nil }
func (Door) OnPlay(context.Context, *hook.PlayEvent) error                  { return nil }
func (SideDoor) OnPlay(context.Context, *hook.PlayEvent) error              { return nil }
func (extraMulti) OnPlay(context.Context, *hook.PlayEvent) error            { return nil }
func (*pointMulti) Hooks() []hook.Hook                                      { return nil }

// What has nothing to do with events may be called as its author likes.
func (wide) OnPlayerSeen(int) {}

func TestHookThatWouldNotBeCalledIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		hook hook.Hook
		want string
	}{
		"event by value":       {byValue{}, "OnPlay of type func(context.Context, hook.PlayEvent) error, hook.PlayHook wants func("},
		"behind a pointer":     {&byValue{}, "OnPlay of type"},
		"another event":        {noError{}, "OnStreamChanged of type"},
		"other letters":        {otherCase{}, "OnHttpAccess, hook.HTTPAccessHook wants OnHTTPAccess"},
		"method on pointer":    {onPointer{}, "must be a *media_test.onPointer"},
		"promoted twice":       {twoDoors{}, "embeds OnPlay"},
		"promoted twice below": {&deepDoors{}, "embeds OnPlay"},
		"besides Hooks":        {extraMulti{}, "OnPlay besides Hooks"},
		"lost besides Hooks":   {&lostMulti{}, "OnPlay besides Hooks"},
		"Hooks on pointer":     {pointMulti{}, "must be a *media_test.pointMulti"},
		"nil":                  {nil, "nil"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, h := range []hook.Hook{c.hook, hook.Chain(guard{}, hook.Chain(c.hook))} {
				_, err := media.New(media.Config{Hooks: []hook.Hook{h}})
				require.ErrorContains(t, err, c.want)
			}
		})
	}
	for _, h := range []hook.Hook{guard{}, &guard{}, &onPointer{}, wide{}, hook.Funcs{OnPlay: Door{}.OnPlay}} {
		newServer(t, media.Config{Hooks: []hook.Hook{h}})
	}
}
