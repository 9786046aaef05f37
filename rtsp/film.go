package rtsp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// film is how a server plays a recording. It is for the goroutine of the pull that carries out orders.
type film struct {
	pull   *pull
	target string // the URL of all tracks
	span   span
	paused bool
	speed  float64
	by     string // the header that the server obeys: Scale, or Speed
}

var errSpeed = errors.New("rtsp: the server plays at no other speed")

// obey carries out the orders of a Control until ctx ends.
func (p *pull) obey(ctx context.Context, f *film) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-p.orders:
			p.waits.Store(true) // a server may take long to find a place
			err := o.do(ctx, f)
			p.touch(0)
			p.waits.Store(f.paused)
			p.paused.Store(f.paused)
			o.done <- err
		}
	}
}

func (f *film) pause(ctx context.Context) error {
	if f.paused {
		return nil
	}
	_, err := f.pull.client.ask(ctx, "PAUSE", f.target, nil, nil)
	f.paused = err == nil
	return err
}

// seek pauses before, as RFC 2326, 10.5 has it: a server may play the rest of a recording first otherwise. One that cannot pause is asked all the
// same.
func (f *film) seek(ctx context.Context, at time.Duration) error {
	stands := f.paused
	if err := f.pause(ctx); err != nil && !isRefused(err) {
		return err
	}
	h := wire.Header{{Name: "Range", Value: f.span.from(at)}}
	if f.speed != 1 {
		h.Add(f.by, speedText(f.speed))
	}
	_, err := f.play(ctx, h, f.speed, true)
	if isRefused(err) && f.paused && !stands {
		var again wire.Header
		if f.speed != 1 {
			again.Add(f.by, speedText(f.speed))
		}
		if _, stuck := f.play(ctx, again, f.speed, false); stuck != nil {
			return fmt.Errorf("%w, nor does it go on: %w", err, stuck)
		}
	}
	return err
}

// setSpeed asks by both headers, unless the server says that it obeys one.
func (f *film) setSpeed(ctx context.Context, factor float64) error {
	actual, said, err := f.ask(ctx, f.by, factor)
	switch {
	case err != nil && !isRefused(err):
		return err
	case err == nil && (factor == 1 || said && actual != 1):
		return nil
	}
	other := "Speed"
	if f.by == other {
		other = "Scale"
	}
	actual, obeyed, otherErr := f.ask(ctx, other, factor)
	switch {
	case otherErr == nil && obeyed && actual != 1:
		f.by = other
		return nil
	case otherErr == nil && factor == 1:
		return nil
	case err != nil && otherErr != nil:
		return err
	case err == nil && !said: // it may have obeyed without a word
		_, _, err = f.ask(ctx, f.by, factor)
		return err
	}
	f.speed = 1
	f.pull.ingest.Restart(1, false)
	return errSpeed
}

// ask asks for a speed by a header, and returns what the server says that it is.
func (f *film) ask(ctx context.Context, by string, factor float64) (actual float64, said bool, err error) {
	var h wire.Header
	h.Add(by, speedText(factor))
	res, err := f.play(ctx, h, factor, false)
	if err != nil {
		return 0, false, err
	}
	f.speed = factor
	if actual, said = speedOf(res, by); said && actual != factor {
		f.speed = actual
		f.pull.ingest.Restart(actual, false)
	}
	return actual, said, nil
}

// play sends PLAY. What comes then is at a speed, and from another place if lost. It begins with the response, unless nothing came before: then
// it may be earlier.
func (f *film) play(ctx context.Context, h wire.Header, speed float64, lost bool) (*wire.Response, error) {
	in := f.pull.ingest
	restart := func() { in.Restart(speed, lost) }
	if f.paused {
		restart()
		restart = nil
	}
	res, err := f.pull.client.ask(ctx, "PLAY", f.target, h, restart)
	if err == nil {
		f.paused = false
	} else {
		in.GoOn()
	}
	return res, err
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*StatusError](err)
	return ok
}

func speedText(factor float64) string { return strconv.FormatFloat(factor, 'f', -1, 64) }

// speedOf is the speed that a response tells, if it does.
func speedOf(res *wire.Response, by string) (float64, bool) {
	actual, err := strconv.ParseFloat(strings.TrimSpace(res.Header.Get(by)), 64)
	return actual, err == nil && isSpeed(actual)
}

// span is how a server counts the times of a recording: from its beginning, or by the clock if that is when it begins.
type span struct{ begins time.Time }

// learn takes over a Range (RFC 2326, 12.29), unless it tells nothing.
func (s *span) learn(text string) {
	text, ok := strings.CutPrefix(strings.TrimSpace(text), "clock=")
	if !ok {
		return
	}
	text, _, _ = strings.Cut(text, "-")
	if at, err := time.Parse(clockLayout, strings.TrimSuffix(text, "Z")); err == nil {
		s.begins = at
	}
}

// clockLayout is a time in UTC (RFC 2326, 3.7), without its Z. It may have a fraction.
const clockLayout = "20060102T150405"

// from is the Range from a time on.
func (s span) from(at time.Duration) string {
	if s.begins.IsZero() {
		return fmt.Sprintf("npt=%.3f-", at.Seconds())
	}
	return "clock=" + s.begins.Add(at).Format(clockLayout+".999") + "Z-"
}
