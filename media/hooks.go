package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/internal/throttle"
	"github.com/sluice-media/sluice/media/internal/load"
)

// hookSet is the configured hooks by what they implement, found once.
type hookSet struct {
	publish        []hook.PublishHook
	play           []hook.PlayHook
	notFound       []hook.StreamNotFoundHook
	noneReader     []hook.StreamNoneReaderHook
	rtspRealm      []hook.RTSPRealmHook
	rtspAuth       []hook.RTSPAuthHook
	httpAccess     []hook.HTTPAccessHook
	shellLogin     []hook.ShellLoginHook
	streamChanged  []hook.StreamChangedHook
	flowReport     []hook.FlowReportHook
	recordMP4      []hook.RecordMP4Hook
	recordTS       []hook.RecordTSHook
	started        []hook.ServerStartedHook
	keepalive      []hook.ServerKeepaliveHook
	exited         []hook.ServerExitedHook
	sendRTPStopped []hook.SendRTPStoppedHook
	rtpTimeout     []hook.RTPServerTimeoutHook
}

// maxHookDepth bounds how deep hooks of hooks may nest.
const maxHookDepth = 16

// add sorts in h, or the hooks it is made of.
func (s *hookSet) add(log *slog.Logger, h hook.Hook, depth int) error {
	if err := checkHook(h); err != nil {
		return err
	}
	if m, ok := h.(hook.Multi); ok {
		if depth == maxHookDepth {
			return fmt.Errorf("media: hooks nest deeper than %d", maxHookDepth)
		}
		for _, part := range m.Hooks() {
			if err := s.add(log, part, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	found := s.addOne(h)
	if len(found) == 0 {
		return fmt.Errorf("media: %T implements no hook interface (a misspelled method?)", h)
	}
	log.Debug("hook found", "type", fmt.Sprintf("%T", h), "events", found)
	return nil
}

func (s *hookSet) addOne(h hook.Hook) []string {
	return slices.Concat(
		gather(&s.publish, h, "publish"), gather(&s.play, h, "play"),
		gather(&s.notFound, h, "stream_not_found"), gather(&s.noneReader, h, "stream_none_reader"),
		gather(&s.rtspRealm, h, "rtsp_realm"), gather(&s.rtspAuth, h, "rtsp_auth"),
		gather(&s.httpAccess, h, "http_access"), gather(&s.shellLogin, h, "shell_login"),
		gather(&s.streamChanged, h, "stream_changed"), gather(&s.flowReport, h, "flow_report"),
		gather(&s.recordMP4, h, "record_mp4"), gather(&s.recordTS, h, "record_ts"),
		gather(&s.started, h, "server_started"), gather(&s.keepalive, h, "server_keepalive"),
		gather(&s.exited, h, "server_exited"), gather(&s.sendRTPStopped, h, "send_rtp_stopped"),
		gather(&s.rtpTimeout, h, "rtp_server_timeout"),
	)
}

// gather appends h to list if it implements I.
func gather[I any](list *[]I, h hook.Hook, event string) []string {
	i, ok := h.(I)
	if !ok {
		return nil
	}
	*list = append(*list, i)
	return []string{event}
}

// asker runs hooks so that one which hangs costs its caller no more than the timeout, and one which panics
// costs nobody anything.
type asker struct {
	log     *slog.Logger
	timeout atomic.Int64 // a time.Duration
	running tally.Tally
	panics  throttle.Throttle // of the log line
	failing throttle.Throttle // likewise, of hooks that cannot tell where a stream is

	mu    sync.Mutex
	meter load.Meter // guarded by mu when it counts
	stats map[string]HookStats
}

// count notes a hook that has run.
func (a *asker) count(event string, asked, begun time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	done := time.Now()
	a.meter.Count(asked, begun, done)
	if a.stats == nil {
		a.stats = map[string]HookStats{}
	}
	s := a.stats[event]
	s.Calls++
	s.Time += done.Sub(begun)
	if _, denied := hook.Denied(err); err != nil && !denied && !errors.Is(err, hook.ErrNotHandled) {
		s.Failures++
	}
	a.stats[event] = s
}

func (a *asker) load() load.Load { return a.meter.Load(time.Now()) }

// ask calls fn on a goroutine of its own, because a hook may ignore its context, and waits for the answer,
// the timeout or the end of ctx.
func ask[R any](ctx context.Context, a *asker, event string, fn func(context.Context) (R, error)) (R, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(a.timeout.Load()), errHookTimeout)
	type answer struct {
		reply R
		err   error
	}
	answered := make(chan answer, 1)
	asked := time.Now()
	a.running.Go(func() {
		defer cancel()
		begun := time.Now()
		var ans answer
		ans.err = errHookPanic
		defer func() {
			a.count(event, asked, begun, ans.err)
			if r := recover(); r != nil {
				if n, ok := a.panics.Ready(); ok { // peers cause it, as often as they like
					a.log.Error("hook panicked", "event", event, "panic", r, "stack", string(debug.Stack()), "number", n)
				}
			}
			answered <- ans
		}()
		ans.reply, ans.err = fn(ctx)
	})
	select {
	case ans := <-answered:
		return ans.reply, ans.err
	case <-ctx.Done():
		var zero R
		select {
		case ans := <-answered:
			return ans.reply, ans.err
		default:
			return zero, context.Cause(ctx)
		}
	}
}
