package rtsp

import (
	"fmt"
	"strconv"

	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// setup answers SETUP (RFC 2326, 10.4): it makes room for one track.
func (x *session) setup(r *wire.Request) (*wire.Response, error) {
	choices, err := wire.ParseTransports(r.Header.Values("Transport"))
	if err != nil {
		return &wire.Response{Code: wire.StatusUnsupportedTransport}, nil
	}
	if x.publisher != nil {
		return x.publisher.setup(r, choices)
	}
	if x.playing() {
		return &wire.Response{Code: wire.StatusMethodNotValid}, nil
	}
	if res, err := x.open(r); res != nil || err != nil {
		return res, err
	}
	return x.player.setup(r, choices)
}

// setup makes room for a track of a player: by the first of the client's choices that can be.
func (p *playback) setup(r *wire.Request, choices []wire.Transport) (*wire.Response, error) {
	t, _ := parseTarget(r.URL, p.session.server.config().EnableVHost)
	track := t.track
	if track < 0 && len(p.index) == 1 {
		track = p.index[0]
	}
	if track < 0 {
		return &wire.Response{Code: wire.StatusAggregateNotAllowed}, nil
	}
	if _, ok := p.offer(track); !ok {
		return &wire.Response{Code: wire.StatusNotFound}, nil
	}
	for _, choice := range choices {
		transport, err := p.take(track, choice)
		if err != nil {
			p.session.logNoPort("player", err)
			continue
		}
		if transport == "" {
			continue
		}
		p.session.begin()
		p.setups++
		res := &wire.Response{Code: wire.StatusOK}
		res.Header.Add("Transport", transport)
		return res, nil
	}
	return &wire.Response{Code: wire.StatusUnsupportedTransport}, nil
}

// take tries one choice for a track, and returns the Transport header that says what became of it, or "".
func (p *playback) take(track int, choice wire.Transport) (string, error) {
	cfg := p.session.server.config()
	kind := UDP
	switch {
	case choice.TCP:
		kind = TCP
	case choice.Multicast:
		kind = Multicast
	}
	if _, private := p.media.Private(); private && kind == Multicast {
		return "", nil // nobody else plays it
	}
	if choice.Secure || p.kind != AnyTransport && p.kind != kind || cfg.Transport != AnyTransport && cfg.Transport != kind ||
		kind != TCP && (cfg.TLSConfig != nil || p.session.half.Load() != nil) {
		return "", nil
	}
	var transport string
	var err error
	switch kind {
	case TCP:
		transport = p.takeChannels(track, choice.Interleaved)
	case Multicast:
		transport, err = p.takeGroup(track)
	default:
		transport, err = p.takePorts(track, choice.ClientPort)
	}
	if transport == "" || err != nil {
		return "", err
	}
	p.kind = kind
	return transport + fmt.Sprintf(";ssrc=%08X", p.session.server.formats.SSRC(track)), nil
}

// takeChannels gives a track the channels that the client wants, or others if they are taken or no pair, or if too many
// clients have wanted unusual ones.
func (p *playback) takeChannels(track int, want [2]int) string {
	channel := want[0]
	p.layout.Channels[track] = -1 // a second SETUP changes the first
	if channel < 0 || channel > 254 || want[1] != channel+1 || p.taken(channel) {
		for channel = 0; p.taken(channel); channel += 2 {
		}
	}
	if usual := 2 * track; channel != usual && !p.taken(usual) && p.session.server.formats.Full() {
		channel = usual
	}
	p.layout.Channels[track] = int16(channel)
	return "RTP/AVP/TCP;unicast;interleaved=" + pair(channel)
}

// taken reports whether one of two channels belongs to another track.
func (p *playback) taken(channel int) bool {
	for _, c := range p.layout.Channels {
		if c >= 0 && int(c) <= channel+1 && channel <= int(c)+1 {
			return true
		}
	}
	return false
}

func pair(n int) string { return strconv.Itoa(n) + "-" + strconv.Itoa(n+1) }

func portsOf(p [2]int) string { return strconv.Itoa(p[0]) + "-" + strconv.Itoa(p[1]) }
