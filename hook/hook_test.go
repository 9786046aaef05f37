package hook_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
)

func TestFuncsHoldsOnlyWhatIsSet(t *testing.T) {
	require.Empty(t, hook.Funcs{}.Hooks())
	called := 0
	f := hook.Funcs{
		OnPlay:         func(context.Context, *hook.PlayEvent) error { called++; return nil },
		OnServerExited: func(context.Context, *hook.ServerExitedEvent) { called++ },
	}
	parts := f.Hooks()
	require.Len(t, parts, 2)
	play, ok := parts[0].(hook.PlayHook)
	require.True(t, ok)
	require.NoError(t, play.OnPlay(t.Context(), nil))
	exited, ok := parts[1].(hook.ServerExitedHook)
	require.True(t, ok)
	exited.OnServerExited(t.Context(), nil)
	require.Equal(t, 2, called)
}

// Every field of Funcs must reach an interface with the method of its name.
func TestFuncsCoversEveryField(t *testing.T) {
	typ := reflect.TypeFor[hook.Funcs]()
	for i := range typ.NumField() {
		field := typ.Field(i)
		var f hook.Funcs
		reflect.ValueOf(&f).Elem().Field(i).Set(reflect.MakeFunc(field.Type, func([]reflect.Value) []reflect.Value {
			return nil
		}))
		parts := f.Hooks()
		require.Len(t, parts, 1, field.Name)
		method, ok := reflect.TypeOf(parts[0]).MethodByName(field.Name)
		require.True(t, ok, field.Name)
		require.Equal(t, 1, reflect.TypeOf(parts[0]).NumMethod(), method.Name)
	}
}

func TestMergeKeepsWhatIsSet(t *testing.T) {
	base := hook.StreamOptions{EnableHLS: new(true), MaxTrack: new(2), MP4SavePath: new("./www")}
	got := hook.StreamOptions{EnableHLS: new(false), ContinuePush: new(time.Second)}.Merge(base)
	require.Equal(t, hook.StreamOptions{
		EnableHLS: new(false), ContinuePush: new(time.Second), MaxTrack: new(2), MP4SavePath: new("./www"),
	}, got)
}

// A field that Merge forgets would be lost silently.
func TestMergeCoversEveryField(t *testing.T) {
	var base hook.StreamOptions
	v := reflect.ValueOf(&base).Elem()
	for i := range v.NumField() {
		v.Field(i).Set(reflect.New(v.Field(i).Type().Elem()))
	}
	require.Equal(t, base, hook.StreamOptions{}.Merge(base))
	require.Equal(t, base, base.Merge(hook.StreamOptions{}))
}

func TestDenied(t *testing.T) {
	err := fmt.Errorf("asked: %w", hook.Deny(7, "bad token"))
	d, ok := hook.Denied(err)
	require.True(t, ok)
	require.Equal(t, &hook.DenyError{Code: 7, Reason: "bad token"}, d)
	_, ok = hook.Denied(errors.New("else"))
	require.False(t, ok)
}

// asked is an error that knows what a stranger may read of it.
type asked struct{}

func (asked) Error() string    { return "no route to 10.1.2.3" }
func (asked) PeerText() string { return "nobody answers" }

func TestPeerText(t *testing.T) {
	require.Equal(t, `[auth failed]: code:7 msg:"bad token"`, hook.PeerText(fmt.Errorf("asked: %w", hook.Deny(7, "bad token"))))
	require.Equal(t, "nobody answers", hook.PeerText(fmt.Errorf("asked: %w", asked{})))
	require.Equal(t, "the server could not decide", hook.PeerText(errors.New("password of the database is x")))
}

func TestNames(t *testing.T) {
	require.Equal(t, "__defaultVhost__/live/a/b", hook.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "a/b"}.String())
	require.Equal(t, "rtmp_push", hook.OriginRTMPPush.String())
	require.Equal(t, "srt_push", hook.OriginSRTPush.String())
	require.Equal(t, "unknown", hook.Origin(99).String())
	require.Equal(t, "x y", hook.Session{Params: "token=x%20y&bad=%zz"}.Query().Get("token"))
}

// A gate implements the interfaces it cares about; the guard makes the compiler check the signature.
type gate struct{ token string }

var _ hook.PublishHook = gate{}

func (g gate) OnPublish(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	if ev.Session.Query().Get("token") != g.token {
		return hook.PublishReply{}, hook.Deny(401, "bad token")
	}
	return hook.PublishReply{Options: hook.StreamOptions{EnableAudio: new(false)}}, nil
}

func Example() {
	h := hook.Chain(gate{token: "s3cret"}, hook.Funcs{
		OnStreamChanged: func(_ context.Context, ev *hook.StreamChangedEvent) { fmt.Println(ev.Stream, ev.Registered) },
	})
	_, err := h.Hooks()[0].(hook.PublishHook).OnPublish(context.Background(), &hook.PublishEvent{})
	fmt.Println(err)
	// Output: [auth failed]: code:401 msg:"bad token"
}
