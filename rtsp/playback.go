package rtsp

import (
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// playback is what a session that plays has.
type playback struct {
	session *session
	target  target
	base    string // what controls are relative to
	media   *media.Player
	offers  []sdp.Offer
	index   []int // of the track of each offer

	kind   Transport // of all tracks, AnyTransport before the first SETUP
	layout layout
	setups int
	udp    *udpPlayer
	group  *group

	begun bool
	feed  *media.Feed
	sink  *media.SinkFeed
	heard atomic.Int64 // when the client was heard of, Unix nanoseconds
	ended atomic.Bool
}

func newPlayback(x *session, t target, player *media.Player, tracks []*media.Track) *playback {
	p := &playback{session: x, target: t, base: t.base, media: player, layout: noTracks()}
	p.offers, p.index = offersOf(tracks)
	p.touch()
	return p
}

// offer returns the description of a track.
func (p *playback) offer(track int) (sdp.Offer, bool) {
	for i, index := range p.index {
		if index == track {
			return p.offers[i], true
		}
	}
	return sdp.Offer{}, false
}

// touch notes that the client was heard of.
func (p *playback) touch() { p.heard.Store(time.Now().UnixNano()) }

// silence returns how long ago that was. A client that gets its media by TCP need not say anything: whether it
// lives shows in what it takes.
func (p *playback) silence() time.Duration {
	if p.kind == TCP {
		return 0
	}
	return time.Since(time.Unix(0, p.heard.Load()))
}

// close ends playing.
func (p *playback) close(cause error) {
	p.media.Close(cause)
	if p.udp != nil {
		p.udp.close()
	}
	if p.group != nil {
		p.session.server.groups.leave(p.group, p.session)
	}
}
