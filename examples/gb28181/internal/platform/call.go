package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/examples/gb28181/internal/gbsdp"
	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// call is a channel that is being watched. What is not said otherwise is set before anybody else sees it.
type call struct {
	key             media.StreamKey
	device, channel string
	end             context.CancelCauseFunc
	ctx             context.Context
	done            chan struct{} // closed when all of it is over
	playing         chan struct{} // closed when the stream is there

	// schemas are those in which the stream is there. Platform.mu guards them.
	schemas map[string]struct{}
}

var (
	errUnwatched = errors.New("nobody watches")
	errNoMedia   = errors.New("the device sends nothing")
	errHungUp    = errors.New("the device has hung up")
	errOver      = errors.New("the stream has ended")
	errShutdown  = errors.New("the platform shuts down")
	errTooMany   = errors.New("platform: there are too many calls")
)

// StreamName returns the name of the stream of a channel.
func StreamName(device, channel string) string { return device + "_" + channel }

// parseName returns of what device and channel a stream of the platform is.
func (p *Platform) parseName(key media.StreamKey) (device, channel string, ok bool) {
	if key.App != p.cfg.App || key.Canonical().VHost != hook.DefaultVHost {
		return "", "", false
	}
	device, channel, ok = strings.Cut(key.Name, "_")
	return device, channel, ok && manscdp.ValidID(device) && manscdp.ValidID(channel)
}

// play calls a channel, unless it has been called already. A call that is ending is waited for.
func (p *Platform) play(ctx context.Context, key media.StreamKey) error {
	device, channel, ok := p.parseName(key)
	if !ok {
		return ErrUnknown
	}
	key = key.Canonical()
	for {
		ending, err := p.startCall(key, device, channel)
		if ending == nil {
			return err
		}
		select {
		case <-ending:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startCall starts a call. If one of the stream is about to end it returns what is closed when it has.
func (p *Platform) startCall(key media.StreamKey, device, channel string) (ending <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.calls[key]; c != nil {
		if c.ctx.Err() != nil {
			return c.done, nil
		}
		return nil, nil
	}
	d := p.devices[device]
	if d == nil || !d.online {
		return nil, ErrUnknown
	}
	known := func(i manscdp.Item) bool { return i.ID == channel }
	if channel != device && !slices.ContainsFunc(d.channels, known) {
		return nil, ErrUnknown
	}
	if len(p.calls) >= p.cfg.MaxCalls {
		return nil, errTooMany
	}
	c := &call{
		key: key, device: device, channel: channel, done: make(chan struct{}), playing: make(chan struct{}),
		schemas: map[string]struct{}{},
	}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	ssrc := p.takeSSRC()
	if !p.startLocked(func(s *serving) { p.serveCall(s, c, ssrc) }) {
		delete(p.numbers, ssrc)
		return nil, errClosed
	}
	p.calls[key] = c
	return nil, nil
}

// serveCall is a call from beginning to end.
func (p *Platform) serveCall(s *serving, c *call, ssrc uint32) {
	stop := context.AfterFunc(s.ctx, func() { c.end(errShutdown) })
	defer stop()
	err := p.hold(s, c, ssrc)
	c.end(err)
	p.log.Info("call has ended", "stream", c.key.String(), "why", err)
	p.mu.Lock()
	delete(p.calls, c.key)
	delete(p.numbers, ssrc)
	p.mu.Unlock()
	close(c.done)
}

// hold has a port open for a call, and calls. It returns why the call has ended.
func (p *Platform) hold(s *serving, c *call, ssrc uint32) error {
	port, err := s.receiver.Open(c.ctx, gb28181.Request{Stream: c.key, Mode: p.cfg.Mode, SSRC: ssrc})
	if err != nil {
		return err
	}
	defer s.receiver.ClosePort(c.key)
	at, err := p.peerOf(c.device)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, p.cfg.AnswerTimeout, errors.New("platform: the device does not answer in time"))
	defer cancel()
	d, answer, err := p.dial(ctx, s, c.device, c.channel, p.offer(c, at, port, ssrc))
	if err != nil {
		return err
	}
	defer d.hangUp()
	if err := p.connect(ctx, s, c, at, answer, ssrc); err != nil {
		return err
	}
	p.log.Info("call has begun", "stream", c.key.String(), "port", port.Number, "ssrc", fmt.Sprintf("%010d", ssrc))
	why := c.wait(d, p.cfg.MediaTimeout)
	s.receiver.ClosePort(c.key) // before the BYE, whose answer may not come
	return why
}

// wait waits for the end of a call that was answered, and returns why.
func (c *call) wait(d *dialog, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	playing := c.playing
	for {
		select {
		case <-playing:
			timer.Stop()
			playing = nil
		case <-timer.C:
			return errNoMedia
		case <-d.ended:
			return errHungUp
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
	}
}

// connect does what an answer asks for: it takes the SSRC that the device has chosen, and dials it if that was agreed on. It is
// dialed where it has registered from: whatever else the answer names may be a host that is none of its.
func (p *Platform) connect(ctx context.Context, s *serving, c *call, at peer, answer *gbsdp.Session, ssrc uint32) error {
	if answer.SSRC != 0 && answer.SSRC != ssrc {
		p.log.Warn("a device has chosen another SSRC", "stream", c.key.String(), "ssrc", answer.SSRC)
		if err := s.receiver.SetSSRC(ctx, c.key, answer.SSRC); err != nil {
			return err
		}
	}
	if p.cfg.Mode != gb28181.TCPActive {
		return nil
	}
	if answer.Port == 0 {
		return errors.New("platform: the device has no port to dial")
	}
	return s.receiver.Connect(ctx, c.key, at.addr.Addr().String(), answer.Port)
}

// offer is what a device is asked for.
func (p *Platform) offer(c *call, at peer, port *gb28181.Port, ssrc uint32) *gbsdp.Session {
	host := p.cfg.MediaIP
	if !host.IsValid() {
		host = at.local
	}
	o := &gbsdp.Session{
		Owner: c.channel, Name: "Play", Host: host.Unmap().String(), Port: port.Number, Direction: "recvonly", SSRC: ssrc,
		Formats: []gbsdp.Format{
			{Type: 96, Name: "PS", Clock: 90000}, {Type: 97, Name: "MPEG4", Clock: 90000}, {Type: 98, Name: "H264", Clock: 90000},
		},
	}
	switch p.cfg.Mode {
	case gb28181.TCPPassive:
		o.TCP, o.Setup = true, gbsdp.Passive
	case gb28181.TCPActive:
		o.TCP, o.Setup = true, gbsdp.Active
	case gb28181.UDP:
	}
	return o
}

// takeSSRC returns an SSRC that no call has: 0 for what is live, five digits of the domain, and four of its own (annex C).
// p.mu is held.
func (p *Platform) takeSSRC() uint32 {
	const perDomain = 10000
	domain, _ := strconv.Atoi((p.cfg.Realm + "00000000")[3:8]) // 0 if it has letters
	for range perDomain {
		p.number = (p.number + 1) % perDomain
		ssrc := uint32(domain*perDomain) + p.number
		if _, taken := p.numbers[ssrc]; !taken && ssrc != 0 {
			p.numbers[ssrc] = struct{}{}
			return ssrc
		}
	}
	return 0 // any: it cannot be, there are fewer calls
}
