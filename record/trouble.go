package record

import (
	"errors"
	"runtime/debug"
	"time"
)

var errStalled = errors.New("record: the disk has not taken a write for five seconds")

// fail says, once until the recording goes on, that a file could not be written.
func (g *recording) fail(path string, err error) {
	g.retry = time.Now().Add(retryTime)
	if g.failing {
		return
	}
	g.failing = true
	g.log.Error("recording failed; it goes on as soon as a file can be written", "path", path, "err", err)
	g.notify(Event{What: Failed, Path: path, Err: err})
}

// stalled says that the disk is slow. The stream goes on meanwhile; what its log does not keep for so long is lost, and counted.
func (g *recording) stalled(path string) {
	g.log.Error("recording stalls: the disk has not taken a write for five seconds", "path", path)
	g.notify(Event{What: Stalled, Path: path, Err: errStalled})
}

// settled is how much of a new file has to be written until that is called going on: on a full disk there is room for a little now and then.
const settled = 2 * time.Second

// recovered says that the recording goes on, after a failure or a gap.
func (g *recording) recovered(t *tape) {
	lost := g.lost.Load() - g.told
	if !g.failing && lost == 0 || t != g.current || g.failing && (t.ends < settled || !t.saved) {
		return
	}
	g.failing, g.told = false, g.told+lost
	g.log.Warn("recording goes on in a new file", "path", t.final, "lost", lost)
	g.notify(Event{What: Resumed, Path: t.final, Lost: lost})
}

// notify tells the host. A panic of its code ends nothing.
func (g *recording) notify(e Event) {
	if g.recorder.cfg.Notify == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			g.log.Error("record.Config.Notify panicked", "err", v, "stack", string(debug.Stack()))
		}
	}()
	e.Stream, e.Kind = g.stream.Key(), g.kind
	g.recorder.cfg.Notify(e)
}
