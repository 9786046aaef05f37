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
	by     string        // the header that the server obeys: Scale, or Speed
	from   time.Duration // the place where it was last asked to be, and what had been played then
	base   time.Duration
	sought bool // or begun elsewhere than at the beginning
	asked  bool // for a place, by Seek
}

// first is what the first PLAY is to say.
func (f *film) first() wire.Header {
	h := wire.Header{{Name: "Range", Value: "npt=0.000-"}}
	if f.from > 0 {
		h[0].Value = f.span.from(f.from)
	}
	if f.speed != 1 {
		h.Add(f.by, speedText(f.speed))
	}
	return h
}

// place is where it is by now.
func (f *film) place() time.Duration {
	return f.from + time.Duration(float64(f.pull.played.Load()-int64(f.base))*f.speed)
}

// moved says that it goes on at a place.
func (f *film) moved(at time.Duration) { f.from, f.base = at, time.Duration(f.pull.played.Load()) }

// reached is the place where another pull is to go on: 0 for the beginning, if it has come to its end, is of no recording, or plays nothing there.
func (f *film) reached() time.Duration {
	at := f.place()
	length := f.span.length
	nothing := f.pull.played.Load() == 0 && !f.asked
	if f.pull.byed.Load() || length > 0 && at >= length-ending || length == 0 && (!f.sought || nothing) {
		return 0
	}
	return at
}

// ending is how near to its end a recording has come to it.
const ending = time.Second

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
	if err == nil {
		f.moved(at)
		f.sought, f.asked = true, true
	}
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
	here := f.place()
	res, err := f.pull.client.ask(ctx, "PLAY", f.target, h, restart)
	if err == nil {
		f.moved(here)
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
type span struct {
	begins time.Time
	length time.Duration // 0 if it is not known, as of a camera
}

// learn takes over a Range (RFC 2326, 12.29), unless it tells nothing.
func (s *span) learn(text string) {
	unit, text, _ := strings.Cut(strings.TrimSpace(text), "=")
	from, to, _ := strings.Cut(text, "-")
	switch unit {
	case "clock":
		at, err := time.Parse(clockLayout, strings.TrimSuffix(from, "Z"))
		if err != nil {
			return
		}
		s.begins = at
		if end, err := time.Parse(clockLayout, strings.TrimSuffix(to, "Z")); err == nil && end.After(at) {
			s.length = end.Sub(at)
		}
	case "npt":
		if end, err := strconv.ParseFloat(to, 64); err == nil && end > 0 && end < maxLength.Seconds() {
			s.length = time.Duration(end * float64(time.Second))
		}
	}
}

// before is a span that began so much earlier, if it is one by the clock.
func (s span) before(d time.Duration) span {
	if !s.begins.IsZero() {
		s.begins, s.length = s.begins.Add(-d), s.length+d
	}
	return s
}

// maxLength bounds what is taken for the length of a recording.
const maxLength = 10 * 365 * 24 * time.Hour

// clockLayout is a time in UTC (RFC 2326, 3.7), without its Z. It may have a fraction.
const clockLayout = "20060102T150405"

// from is the Range from a time on.
func (s span) from(at time.Duration) string {
	if s.begins.IsZero() {
		return fmt.Sprintf("npt=%.3f-", at.Seconds())
	}
	return "clock=" + s.begins.Add(at).Format(clockLayout+".999") + "Z-"
}
