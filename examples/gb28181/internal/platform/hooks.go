package platform

import (
	"context"

	"github.com/sluice-media/sluice/hook"
)

var (
	_ hook.StreamNotFoundHook   = (*Platform)(nil)
	_ hook.StreamNoneReaderHook = (*Platform)(nil)
	_ hook.StreamChangedHook    = (*Platform)(nil)
	_ hook.RTPServerTimeoutHook = (*Platform)(nil)
)

// OnStreamNotFound implements [hook.StreamNotFoundHook]: the camera is called, and the player waits for it.
func (p *Platform) OnStreamNotFound(ctx context.Context, ev *hook.PlayEvent) (closePlayer bool, err error) {
	if ev.Stream.App != p.cfg.App {
		return false, hook.ErrNotHandled
	}
	if err := p.play(ctx, ev.Stream); err != nil {
		p.log.Info("no call", "stream", ev.Stream.String(), "why", err)
		return true, nil
	}
	return false, nil
}

// OnStreamNoneReader implements [hook.StreamNoneReaderHook]: the camera is told to stop.
func (p *Platform) OnStreamNoneReader(_ context.Context, ev *hook.StreamEvent) (closeStream bool, err error) {
	if ev.Stream.App != p.cfg.App {
		return false, hook.ErrNotHandled
	}
	p.endCall(ev.Stream, errUnwatched)
	return true, nil
}

// OnStreamChanged implements [hook.StreamChangedHook]: a call whose stream was there and is no more has ended.
func (p *Platform) OnStreamChanged(_ context.Context, ev *hook.StreamChangedEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.calls[ev.Stream.Canonical()]
	if c == nil {
		return
	}
	if !ev.Registered {
		delete(c.schemas, ev.Schema)
		select {
		case <-c.playing:
			if len(c.schemas) == 0 {
				c.end(errOver)
			}
		default: // it was that of the call before
		}
		return
	}
	c.schemas[ev.Schema] = struct{}{}
	select {
	case <-c.playing:
	default:
		close(c.playing)
	}
}

// OnRTPServerTimeout implements [hook.RTPServerTimeoutHook]: what the camera has been asked for does not come.
func (p *Platform) OnRTPServerTimeout(_ context.Context, ev *hook.RTPServerTimeoutEvent) {
	p.endCall(ev.Stream, errNoMedia)
}

// endCall ends the call of a stream, if there is one.
func (p *Platform) endCall(key hook.StreamKey, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.calls[key.Canonical()]; c != nil {
		c.end(why)
	}
}
