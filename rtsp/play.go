package rtsp

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

var errTooManyLayouts = errors.New("rtsp: too many combinations of interleaved channels are in use")

// play answers PLAY (RFC 2326, 10.5): it begins, or goes on after PAUSE.
func (x *session) play(r *wire.Request) (*wire.Response, error) {
	p := x.player
	if p == nil || p.setups == 0 {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	if p.begun {
		return x.replay(r)
	}
	respond := func(first *media.Chunk) []byte { return x.complete(r, p.playing(first)).Append(nil) }
	if _, p.private = p.media.Private(); p.private {
		from, err := p.seek(r)
		if err != nil {
			x.logger().Debug("no seek", "err", err)
			return &wire.Response{Code: wire.StatusInvalidRange}, nil
		}
		respond = func(*media.Chunk) []byte { return x.complete(r, p.playingFrom(from)).Append(nil) }
	}
	if p.use = x.server.formats.Use(p.layout, p.tracks); p.use == nil {
		return x.refuse(wire.StatusServiceUnavailable, "too many combinations of interleaved channels are in use", errTooManyLayouts)
	}
	if p.kind == Multicast && !x.server.groups.begin(p.group, x) {
		return x.refuse(wire.StatusNotFound, "", media.ErrStreamNotFound)
	}
	if err := errors.Join(x.in.SetDeadline(time.Time{}), x.conn.SetDeadline(time.Time{})); err != nil {
		return nil, err
	}
	p.begun = true
	x.settle()
	x.plays.Store(true)
	var err error
	switch p.kind {
	case TCP:
		p.feed, err = p.media.Feed(x.conn, p.use.Format, media.FeedOptions{
			Begin: func(first *media.Chunk) []byte { return append(respond(first), p.reports(first)...) }, OnEnd: x.finish,
			CatchUp: x.catchUp(r),
		})
	case Multicast:
		err = errors.Join(x.write(respond(nil)), x.beginSilence())
	default:
		err = x.beginSilence()
		if err == nil {
			p.sink, err = p.media.FeedSink(p.udp, p.use.Format, media.SinkOptions{
				Begin: func(first *media.Chunk) {
					_ = x.write(respond(first))
					_ = datagram.NewBatch().SendChunks([][]byte{p.reports(first)}, p.udp)
				},
				OnEnd: x.finish, CatchUp: x.catchUp(r),
			})
		}
	}
	if !p.private {
		p.plan = nil
	}
	x.logger().Debug("playing")
	return nil, err
}

// catchUp is how fast a player is to catch up; 0 is at once.
func (x *session) catchUp(r *wire.Request) float64 {
	if strings.HasPrefix(r.Header.Get("User-Agent"), "GStreamer") {
		return x.server.config().CatchUp
	}
	return 0
}

// beginSilence begins the time in which a player that does not get its media here has to say something.
func (x *session) beginSilence() error {
	x.player.touch()
	return x.in.SetReadDeadline(time.Now().Add(x.server.config().SessionTimeout))
}

// playing is the response to PLAY. If first is known, it says with which RTP timestamps the tracks begin.
func (p *playback) playing(first *media.Chunk) *wire.Response {
	res := &wire.Response{Code: wire.StatusOK}
	res.Header.Add("Range", "npt=now-")
	if first == nil {
		return res
	}
	if infos := p.rtpInfo(first); len(infos) > 0 {
		res.Header.Add("RTP-Info", strings.Join(infos, ","))
	}
	return res
}

// rtpInfo says where the tracks begin (RFC 2326, 12.33): all at one time, that of the first chunk or of what in it is
// earlier. None has a timestamp before that, which some clients would take for one long after it.
func (p *playback) rtpInfo(first *media.Chunk) (infos []string) {
	firsts, formats, at := p.layout.FirstRTP(first.Data), p.session.server.formats, first.DTS
	if len(firsts) == 0 {
		return nil
	}
	for i, index := range p.index {
		rate := p.offers[i].ClockRate
		if f, ok := firsts[index]; ok {
			ticks := int32(f.Stamp - formats.Stamp(first.DTS, rate))
			at = min(at, first.DTS+time.Duration(ticks)*time.Second/time.Duration(rate))
		}
	}
	for i, index := range p.index {
		if p.layout.Channels[index] < 0 {
			continue
		}
		info := fmt.Sprintf("url=%s/%s", p.target.base, p.offers[i].Control)
		if f, ok := firsts[index]; ok {
			info += fmt.Sprintf(";seq=%d", f.Seq)
		}
		infos = append(infos, info+fmt.Sprintf(";rtptime=%d", formats.Stamp(at, p.offers[i].ClockRate)))
	}
	return infos
}

// reports are sender reports of now for who begins with first.
func (p *playback) reports(first *media.Chunk) []byte {
	if first == nil {
		return nil
	}
	rate := func(track int) int {
		offer, _ := p.offer(track)
		return offer.ClockRate
	}
	return p.layout.AppendReports(nil, first.Data, rate, time.Now())
}

// pause answers PAUSE (RFC 2326, 10.6). A publisher that pauses just sends nothing.
func (x *session) pause() (*wire.Response, error) {
	if x.recording() {
		return &wire.Response{Code: wire.StatusOK}, nil
	}
	if !x.playing() {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	x.player.pause(true)
	return &wire.Response{Code: wire.StatusOK}, nil
}

// pause stops the media, or lets it go on. What goes to a group goes on.
func (p *playback) pause(on bool) {
	p.paused = on
	switch {
	case p.feed != nil:
		p.feed.Pause(on)
	case p.sink != nil:
		p.sink.Pause(on)
	}
}

// afterwards is how long a player whose stream has ended may still send requests.
const afterwards = 2 * time.Second

// finish is called when the player has got all there is, or cannot be written to. It ends watch, and with it
// the session.
func (x *session) finish(err error) {
	x.feedErr.Store(&err)
	x.player.ended.Store(true)
	if !errors.Is(err, io.EOF) || !x.player.sayBye() {
		x.Abort()
		return
	}
	// Clients want to say PAUSE or TEARDOWN here, and some fail if they are not answered.
	_ = x.in.SetReadDeadline(time.Now().Add(afterwards))
}

// sayBye tells the client by RTCP that its stream has ended, and reports whether it could. To a group the group
// says it.
func (p *playback) sayBye() bool {
	byes := p.session.server.formats.AppendByes(nil, p.layout)
	switch p.kind {
	case UDP:
		return datagram.NewBatch().SendChunks([][]byte{byes}, p.udp) == nil
	case Multicast:
		return true
	}
	if p.session.conn.SetWriteDeadline(time.Now().Add(p.session.server.config().WriteTimeout)) != nil {
		return false
	}
	n, err := p.session.conn.Write(byes)
	p.session.entry.Sent(n)
	return err == nil
}
