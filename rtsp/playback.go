package rtsp

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"github.com/sluice-media/sluice/internal/rtp/mux"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// playback is what a session that plays has.
type playback struct {
	session *session
	media   *media.Player
	*plan   // nil once it plays live: players are many, and nothing is set up any more

	kind   Transport // of all tracks, AnyTransport before the first SETUP
	layout mux.Layout
	use    *mux.Use // nil before PLAY
	setups int
	udp    *udpPlayer
	group  *group

	begun   bool
	private bool // it has a source to itself
	paused  bool
	speed   float64 // by the last Scale and Speed; 0 is none
	feed    *media.Feed
	sink    *media.SinkFeed
	heard   atomic.Int64 // when the client was heard of, Unix nanoseconds
	ended   atomic.Bool

	lost atomic.Pointer[losses] // nil before the first report
}

// plan is what a player can choose from.
type plan struct {
	target target
	tracks []*media.Track
	offers []sdp.Offer
	index  []int // of the track of each offer
}

// losses are what a client reports.
type losses struct {
	mu      sync.Mutex
	packets [mux.MaxTracks]uint32
}

func newPlayback(x *session, t target, player *media.Player, tracks []*media.Track) *playback {
	p := &playback{session: x, media: player, plan: &plan{target: t, tracks: tracks}, layout: mux.NoTracks()}
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

// hear takes a datagram of the client: it lives, and may tell what it has lost.
func (p *playback) hear(b []byte) {
	p.touch()
	p.session.entry.Received(len(b))
	list, err := rtcp.Unmarshal(b)
	if err != nil {
		return // it opens the way for RTP
	}
	for _, packet := range list {
		if r, ok := packet.(*rtcp.ReceiverReport); ok {
			p.report(r)
		}
	}
}

// report takes a receiver report (RFC 3550, 6.4.2), which may be about any of the tracks.
func (p *playback) report(r *rtcp.ReceiverReport) {
	if p.lost.Load() == nil {
		p.lost.CompareAndSwap(nil, &losses{})
	}
	l := p.lost.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := uint64(0)
	for _, block := range r.Reports {
		if track, ok := p.session.server.formats.Track(block.SSRC); ok {
			l.packets[track] = block.TotalLost & 0x7fffff
		}
	}
	for _, n := range l.packets {
		all += uint64(n)
	}
	p.session.entry.SetLost(all)
}

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
	p.session.server.formats.Release(p.use)
}
