package media_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// What parts raise is told in order with what else happens to the stream, and before the server has stopped.
func TestPartsTellObservers(t *testing.T) {
	var mu sync.Mutex
	var told []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, what)
	}
	release := make(chan struct{})
	s, err := media.New(media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnStreamChanged:    func(context.Context, *hook.StreamChangedEvent) { <-release; note("changed") },
		OnRecordMP4:        func(_ context.Context, ev *hook.RecordEvent) { note("mp4 " + ev.FileName) },
		OnRecordTS:         func(_ context.Context, ev *hook.RecordEvent) { note("ts " + ev.FileName) },
		OnSendRTPStopped:   func(_ context.Context, ev *hook.SendRTPStoppedEvent) { note("stopped " + ev.SSRC) },
		OnRTPServerTimeout: func(_ context.Context, ev *hook.RTPServerTimeoutEvent) { note("timeout " + ev.StreamID) },
	}}})
	require.NoError(t, err)
	publish(t, s, video)
	short := media.StreamKey{App: key.App, Name: key.Name} // without the default virtual host
	want := []string{"changed"}
	for i := range 20 {
		n := strconv.Itoa(i)
		s.RecordedTS(&hook.RecordEvent{Stream: key, FileName: n})
		s.RecordedMP4(&hook.RecordEvent{Stream: short, FileName: n})
		s.SendRTPStopped(&hook.SendRTPStoppedEvent{Stream: key, SSRC: n})
		s.RTPServerTimeout(&hook.RTPServerTimeoutEvent{Stream: short, StreamID: n})
		want = append(want, "ts "+n, "mp4 "+n, "stopped "+n, "timeout "+n)
	}
	close(release)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Equal(t, append(want, "changed"), told)
	s.RecordedMP4(&hook.RecordEvent{Stream: key}) // nobody is told any more, and nothing runs
	require.Len(t, told, len(want)+1)
}
