package device

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/gbsdp"
)

// call is an INVITE that was accepted.
type call struct {
	offer    *gbsdp.Session
	ssrc     uint32
	listener net.Listener // of TCP that the platform dials, or nil
	request  *sip.Request
	answer   *sip.Response
	ctx      context.Context
	cancel   context.CancelFunc
	started  bool
}

// invited answers INVITE.
func (d *Device) invited(req *sip.Request, tx sip.ServerTransaction) {
	offer, err := gbsdp.Parse(req.Body())
	switch {
	case d.cfg.Ignores:
		tx.OnCancel(func(*sip.Request) { d.canceled.Add(1) })
		<-tx.Done() // the stack says that it tries, for ever
		return
	case err != nil || req.CallID() == nil:
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusBadRequest, "Bad Request", nil))
		return
	case d.cfg.Refuses:
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusBusyHere, "Busy Here", nil))
		return
	}
	c := &call{offer: offer, ssrc: offer.SSRC, request: req}
	if d.cfg.OtherSSRC || d.cfg.Lies {
		c.ssrc += 7
	}
	answer, err := d.accept(c)
	if err != nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusInternalServerError, "Server Internal Error", nil))
		return
	}
	c.answer = sip.NewResponseFromRequest(req, sip.StatusOK, "OK", answer.Bytes())
	c.answer.AppendHeader(sip.NewHeader("Content-Type", gbsdp.ContentType))
	c.answer.AppendHeader(d.contact())
	c.ctx, c.cancel = context.WithCancel(context.Background())
	d.mu.Lock()
	d.calls[string(*req.CallID())] = c
	d.mu.Unlock()
	_ = tx.Respond(c.answer)
}

// accept returns the answer to an offer.
func (d *Device) accept(c *call) (*gbsdp.Session, error) {
	a := &gbsdp.Session{
		Owner: d.cfg.ID, Name: "Play", Host: "127.0.0.1", Port: 15060, TCP: c.offer.TCP, Direction: "sendonly", SSRC: c.ssrc,
		Formats: []gbsdp.Format{{Type: 96, Name: "PS", Clock: 90000}},
	}
	if d.cfg.Lies {
		a.SSRC = c.offer.SSRC
	}
	if !a.TCP {
		return a, nil
	}
	a.Setup = gbsdp.Active
	if c.offer.Setup == gbsdp.Passive {
		return a, nil
	}
	a.Setup = gbsdp.Passive
	var err error
	if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	addr, _ := c.listener.Addr().(*net.TCPAddr)
	a.Port = addr.Port
	return a, nil
}

// acknowledged begins to send.
func (d *Device) acknowledged(req *sip.Request, _ sip.ServerTransaction) {
	if req.CallID() == nil {
		return
	}
	id := string(*req.CallID())
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.calls[id]
	if c == nil || c.started || d.over {
		return
	}
	c.started = true
	d.loops.Go(func() {
		defer c.cancel()
		if c.listener != nil {
			defer c.listener.Close()
		}
		if conn, err := c.connect(); err == nil {
			defer conn.Close()
			defer context.AfterFunc(c.ctx, func() { conn.Close() })()
			d.send(c, conn)
		}
		<-c.ctx.Done()
	})
}

// connect returns the connection for media.
func (c *call) connect() (net.Conn, error) {
	to := net.JoinHostPort(c.offer.Host, strconv.Itoa(c.offer.Port))
	dialer := net.Dialer{Timeout: 5 * time.Second}
	switch {
	case c.listener != nil:
		defer context.AfterFunc(c.ctx, func() { c.listener.Close() })()
		return c.listener.Accept()
	case c.offer.TCP:
		return dialer.DialContext(c.ctx, "tcp", to)
	default:
		return dialer.DialContext(c.ctx, "udp", to)
	}
}

// bye ends a call.
func (d *Device) bye(req *sip.Request, tx sip.ServerTransaction) {
	code, reason := sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist"
	if req.CallID() != nil {
		d.mu.Lock()
		if c := d.calls[string(*req.CallID())]; c != nil {
			delete(d.calls, string(*req.CallID()))
			c.cancel()
			code, reason = sip.StatusOK, "OK"
		}
		d.mu.Unlock()
	}
	_ = tx.Respond(sip.NewResponseFromRequest(req, code, reason, nil))
}

// Canceled returns how many invitations were taken back that the device had not answered.
func (d *Device) Canceled() int { return int(d.canceled.Load()) }

// HangUp ends all calls, and tells the platform.
func (d *Device) HangUp(ctx context.Context) error {
	for _, c := range d.take() {
		c.cancel()
		if _, err := d.exchange(ctx, d.within(c, sip.BYE)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Device) take() map[string]*call {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.calls
	d.calls = map[string]*call{}
	return all
}

// Reinvite asks for a change of a call that there is, and returns the answer.
func (d *Device) Reinvite(ctx context.Context) (*sip.Response, error) {
	d.mu.Lock()
	var req *sip.Request
	for _, c := range d.calls {
		req = d.within(c, sip.INVITE)
	}
	d.mu.Unlock()
	if req == nil {
		return nil, StatusError(0)
	}
	return d.exchange(ctx, req)
}

// within returns a request within a call.
func (d *Device) within(c *call, method sip.RequestMethod) *sip.Request {
	req := sip.NewRequest(method, c.request.Contact().Address)
	from, to := c.answer.To(), c.request.From()
	req.AppendHeader(&sip.FromHeader{Address: from.Address, Params: from.Params.Clone()})
	req.AppendHeader(&sip.ToHeader{Address: to.Address, Params: to.Params.Clone()})
	req.AppendHeader(sip.HeaderClone(c.request.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: method})
	req.AppendHeader(d.contact())
	req.SetDestination(d.cfg.Server)
	d.route(req)
	return req
}
