package rtsp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// seekTimeout bounds how long a source may take to find a place.
const seekTimeout = 10 * time.Second

// errRange refuses a Range, Scale or Speed that cannot be.
var errRange = errors.New("rtsp: no such time in what is played")

// place is where a source is played from, as PLAY is answered.
type place struct {
	at, end time.Duration // end is 0 if it is not known
	sought  bool          // at is the time of the packet that comes next
	scale   wire.Header   // what was asked for, if anything: Scale and Speed
}

// seek obeys Range, Scale and Speed of PLAY (RFC 2326, 12.29, 12.34 and 12.35) for a player that has its source to itself. Without a
// Range it begins, or goes on where it was; then, and when it begins at 0, the source need not be able to seek. Packets
// keep their stamps whatever the scale.
func (p *playback) seek(r *wire.Request) (place, error) {
	ctx, cancel := context.WithTimeout(context.Background(), seekTimeout)
	defer cancel()
	end, _ := p.media.Private()
	to := place{end: end, scale: scaleOf(r)}
	speed, err := p.scale(ctx, to.scale)
	if err != nil {
		return to, err
	}
	at, ok := rangeOf(r)
	if end > 0 && at > end && waitsRefused(r) {
		at = end
	}
	switch {
	case at == 0 && !p.fed():
		to.at, err = p.media.Position(ctx)
		to.sought = err == nil
		if errors.Is(err, context.DeadlineExceeded) { // it begins when the source gives something
			err = nil
		}
	case !ok:
		to.at, err = p.media.Position(ctx)
	default:
		to.at, err = p.media.Seek(ctx, at)
		to.sought = true
	}
	if err == nil {
		p.speed = speed
	} else if len(to.scale) > 0 { // it goes on as it was
		_ = p.media.SetSpeed(ctx, cmp.Or(p.speed, 1))
	}
	return to, err
}

// waitsRefused reports whether a request is ffmpeg's. It pauses before it seeks, and waits for media for ever where that is
// refused, so that not even a signal ends it: it gets the last key frame instead.
func waitsRefused(r *wire.Request) bool { return strings.HasPrefix(r.Header.Get("User-Agent"), "Lavf") }

// scaleOf is what a request says of the speed. Packets keep their stamps, so that Scale and Speed are one and the same here, and a client
// may send both.
func scaleOf(r *wire.Request) (h wire.Header) {
	for _, name := range []string{"Scale", "Speed"} {
		if text := strings.TrimSpace(r.Header.Get(name)); text != "" {
			h.Add(name, text)
		}
	}
	return h
}

// scale changes the speed, if that is asked for, and returns it.
func (p *playback) scale(ctx context.Context, asked wire.Header) (float64, error) {
	if len(asked) == 0 {
		return p.speed, nil
	}
	factor := 1.0
	for _, f := range asked {
		v, err := strconv.ParseFloat(f.Value, 64)
		if err != nil {
			return p.speed, fmt.Errorf("%w: a %s of %.20q", errRange, f.Name, f.Value)
		}
		factor *= v
	}
	if err := p.media.SetSpeed(ctx, factor); err != nil {
		return p.speed, fmt.Errorf("%w: a speed of %v", errRange, factor)
	}
	return factor, nil
}

// fed reports whether media goes out already.
func (p *playback) fed() bool { return p.feed != nil || p.sink != nil }

// rangeOf returns where a request wants to begin; ok says that it wants a place: not now, nor by another clock.
func rangeOf(r *wire.Request) (at time.Duration, ok bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(r.Header.Get("Range")), "npt=")
	if !ok {
		return 0, false
	}
	text, _, _ = strings.Cut(text, "-")
	return parseNPT(text)
}

// maxNPT bounds a time that somebody asks for: longer than anything is.
const maxNPT = 10 * 365 * 24 * time.Hour

// parseNPT reads a normal play time (RFC 2326, 3.6): seconds, or hours, minutes and seconds with colons in between.
func parseNPT(text string) (time.Duration, bool) {
	fields := strings.Split(strings.TrimSpace(text), ":")
	if len(fields) != 1 && len(fields) != 3 {
		return 0, false
	}
	seconds := 0.0
	for _, f := range fields {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil || !(n >= 0 && n < maxNPT.Seconds()) { // not the negation: NaN
			return 0, false
		}
		seconds = seconds*60 + n
	}
	return min(time.Duration(seconds*float64(time.Second)), maxNPT), seconds < maxNPT.Seconds()
}

// playingFrom is the response to PLAY of a source.
func (p *playback) playingFrom(from place) *wire.Response {
	res := &wire.Response{Code: wire.StatusOK}
	span := fmt.Sprintf("npt=%.3f-", from.at.Seconds())
	if from.end > 0 {
		span += fmt.Sprintf("%.3f", from.end.Seconds())
	}
	res.Header.Add("Range", span)
	res.Header = append(res.Header, from.scale...)
	if !from.sought {
		return res
	}
	var infos []string
	for i, index := range p.index {
		if p.layout.Channels[index] >= 0 {
			stamp := p.session.server.formats.Stamp(from.at, p.offers[i].ClockRate)
			infos = append(infos, fmt.Sprintf("url=%s/%s;rtptime=%d", p.target.base, p.offers[i].Control, stamp))
		}
	}
	res.Header.Add("RTP-Info", strings.Join(infos, ","))
	return res
}

// replay answers PLAY of a player that plays or is paused: it goes on, from another place of a source if it wants that.
func (x *session) replay(r *wire.Request) (*wire.Response, error) {
	p := x.player
	res, paused := p.playing(nil), p.paused
	if p.private {
		p.pause(true) // the answer comes before the first media of the new place
		from, err := p.seek(r)
		if err != nil {
			p.pause(paused)
			x.logger().Debug("no seek", "err", err)
			return &wire.Response{Code: wire.StatusInvalidRange}, nil
		}
		res = p.playingFrom(from)
	}
	if err := x.write(x.complete(r, res).Append(nil)); err != nil {
		return nil, err
	}
	p.pause(false)
	return nil, nil //nolint:nilnil // it was given
}
