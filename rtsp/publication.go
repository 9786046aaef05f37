package rtsp

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/ingest"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// publication is what a session that publishes has.
type publication struct {
	session *session
	base    string
	request media.PublishRequest // which was admitted
	desc    *sdp.Session

	setups   int
	channels [256]int8 // 1 + the media that comes on a channel, minus if it is RTCP; 0 is none
	pairs    map[int]*lease
	rtp      listeners // of the pairs, since RECORD
	remote   netip.Addr
	last     atomic.Int64 // when media came, Unix nanoseconds

	// Nil before RECORD: who only announces holds no stream.
	media  *media.Publisher
	ingest *ingest.Ingest
	closed bool
}

// lease is a pair of ports that the media of a track comes to.
type lease struct {
	*ports.Pair
	client [2]uint16 // where the client says it sends from, and wants reports
}

func newPublication(x *session, base string, request media.PublishRequest, desc *sdp.Session) *publication {
	return &publication{
		session: x, base: base, request: request, desc: desc, pairs: map[int]*lease{},
		remote: x.entry.Info().Remote.Addr(),
	}
}

func (p *publication) touch() { p.last.Store(time.Now().UnixNano()) }

// silence returns how long ago media came.
func (p *publication) silence() time.Duration { return time.Since(time.Unix(0, p.last.Load())) }

// setup makes room for a media of a publisher.
func (p *publication) setup(r *wire.Request, choices []wire.Transport) (*wire.Response, error) {
	if p.media != nil {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	m := p.find(r.URL)
	if m < 0 {
		return &wire.Response{Code: wire.StatusNotFound}, nil
	}
	for _, choice := range choices {
		transport, err := p.take(m, choice)
		if err != nil {
			p.session.logNoPort("publisher", err)
			continue
		}
		if transport != "" {
			p.session.begin()
			p.setups++
			res := &wire.Response{Code: wire.StatusOK}
			res.Header.Add("Transport", transport+";mode=record")
			return res, nil
		}
	}
	return &wire.Response{Code: wire.StatusUnsupportedTransport}, nil
}

// find returns which media a URL names: by its control, which may stand in front of the query, by how the URL ends, or
// the only one there is.
func (p *publication) find(url string) int {
	for i, m := range p.desc.Medias {
		if m.Control != "" && url == sdp.ControlURL(p.base, p.desc.Control, m.Control) {
			return i
		}
	}
	path, _, _ := strings.Cut(url, "?")
	best, length := -1, 0
	for i, m := range p.desc.Medias { // the base may be spelt another way
		if n := len(m.Control); n > length && (strings.HasSuffix(url, "/"+m.Control) || strings.HasSuffix(path, "/"+m.Control)) {
			best, length = i, n
		}
	}
	if best < 0 && len(p.desc.Medias) == 1 {
		return 0
	}
	return best
}

// take tries one choice for a media, and returns the Transport header that says what became of it, or "".
func (p *publication) take(m int, choice wire.Transport) (string, error) {
	cfg := p.session.server.config()
	kind := UDP
	if choice.TCP {
		kind = TCP
	}
	switch {
	case choice.Secure, choice.Multicast, cfg.Transport == UDP && kind == TCP, cfg.Transport == TCP && kind == UDP,
		kind == UDP && (cfg.TLSConfig != nil || p.session.half.Load() != nil || choice.ClientPort[0] == 0 || !p.remote.IsValid()):
		return "", nil
	case kind == TCP:
		return p.takeChannels(m, choice.Interleaved), nil
	}
	return p.takePorts(m, choice.ClientPort)
}

func (p *publication) takeChannels(m int, want [2]int) string {
	for c, of := range p.channels { // a second SETUP changes the first
		if of == int8(m+1) || of == int8(-m-1) {
			p.channels[c] = 0
		}
	}
	if want[0] < 0 || want[1] < 0 || want[0] == want[1] || p.channels[want[0]] != 0 || p.channels[want[1]] != 0 {
		want = [2]int{0, 1}
		for p.channels[want[0]] != 0 || p.channels[want[1]] != 0 {
			want[0], want[1] = want[0]+2, want[1]+2
		}
	}
	p.channels[want[0]], p.channels[want[1]] = int8(m+1), int8(-m-1)
	return "RTP/AVP/TCP;unicast;interleaved=" + portsOf(want)
}

// takePorts opens a pair of ports for a media.
func (p *publication) takePorts(m int, client [2]int) (string, error) {
	old := p.pairs[m]
	if old == nil && !p.session.reserve(len(p.pairs)) {
		return "", errTooManyPorts
	}
	if old != nil {
		old.Close()
		delete(p.pairs, m)
	}
	leased, err := ports.Lease(p.session.server.media, localIP(p.session.conn), p.session.server.config().PortRange)
	if err != nil {
		return "", err
	}
	p.pairs[m] = &lease{leased, [2]uint16{uint16(client[0]), uint16(client[1])}}
	return "RTP/AVP;unicast;client_port=" + portsOf(client) + ";server_port=" + pair(leased.Port), nil
}

// begin lets media in, to a stream.
func (p *publication) begin(pub *media.Publisher) error {
	p.media = pub
	p.ingest = ingest.New(pub, p.desc, ingest.Options{Torn: p.session.server.config().TornPictures, Log: p.session.logger()})
	p.touch()
	for m, pair := range p.pairs {
		p.ingest.Unreliable(m)
		reports := datagram.NewDestination(pair.RTCP, netip.AddrPortFrom(p.remote, pair.client[1]))
		p.ingest.ReportTo(m, reports.Send)
		p.listen(m, pair)
	}
	return p.ingest.Begin()
}

// frame takes an interleaved frame.
func (p *publication) frame(f wire.Frame, now time.Time) {
	p.touch()
	switch m := p.channels[f.Channel]; {
	case m > 0:
		p.ingest.Packet(int(m)-1, f.Payload, now)
	case m < 0:
		p.ingest.Report(int(-m)-1, f.Payload, now)
	}
}

// listen takes what comes to a pair of ports, from the client and nobody else.
func (p *publication) listen(m int, pair *lease) {
	rtp := newListener(pair.RTP, &origin{addr: p.remote, named: pair.client[0]}, func(b []byte, now time.Time) bool {
		p.heard(len(b))
		return p.ingest.Packet(m, b, now)
	}, func(now time.Time) bool { return p.ingest.Flush(m, now) })
	rtcp := newListener(pair.RTCP, &origin{addr: p.remote, named: pair.client[1]}, func(b []byte, now time.Time) bool {
		p.heard(len(b))
		p.ingest.Report(m, b, now)
		return false
	}, nothingWaits)
	p.rtp = append(p.rtp, rtp)
	p.session.server.acceptor.Go(rtp.listen)
	p.session.server.acceptor.Go(rtcp.listen)
}

// heard notes that the client has sent a datagram.
func (p *publication) heard(n int) {
	p.touch()
	p.session.entry.Received(n)
}

// finish ends publishing cleanly, before the client is told so. What it has sent by UDP before comes another way: if it was held up,
// seconds of its media.
func (p *publication) finish() {
	p.rtp.drain()
	p.close(true, nil)
}

// close ends publishing: cleanly if the client has said so.
func (p *publication) close(finished bool, cause error) {
	if p.closed {
		return
	}
	p.closed = true
	for _, pair := range p.pairs {
		pair.Close()
	}
	if finished {
		cause = nil
	}
	if p.media != nil {
		defer p.media.Close(cause) // whatever becomes of the rest
		p.ingest.Close()
	}
}
