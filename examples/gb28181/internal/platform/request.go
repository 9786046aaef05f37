package platform

import (
	"context"
	"errors"

	"github.com/emiago/sipgo/sip"
)

// errGone says that a device has hung up its TCP connection. It is not dialed: it comes back by itself.
var errGone = errors.New("platform: the device has hung up")

// request returns a request to a device or one of its channels. It goes to where the device registered from, whatever it calls
// itself, so that no name is looked up and nobody else is bothered.
func (p *Platform) request(s *serving, to peer, method sip.RequestMethod, user, contentType string, body []byte) *sip.Request {
	host := uriHost(to.addr.Addr())
	req := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: user, Host: host, Port: int(to.addr.Port())})
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: p.cfg.ID, Host: p.cfg.Realm}}
	from.Params.Add("tag", sip.GenerateTagN(16))
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: p.cfg.Realm}})
	s.route(req, to)
	req.AppendHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: p.cfg.ID, Host: uriHost(to.local), Port: s.port}})
	if contentType != "" {
		req.AppendHeader(sip.NewHeader("Content-Type", contentType))
	}
	req.SetBody(body)
	return req
}

// route says how a request goes to a device, and how its answer comes back.
func (s *serving) route(req *sip.Request, to peer) {
	via := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: to.transport, Host: uriHost(to.local), Port: s.port,
	}
	via.Params.Add("branch", sip.GenerateBranchN(16))
	via.Params.Add("rport", "")
	req.PrependHeader(via)
	req.SetTransport(to.transport)
	req.SetDestination(to.addr.String())
	if to.transport == "UDP" {
		req.Laddr = s.udp // the socket that the device knows
	}
}

// connected returns an error if a device has hung up.
func (s *serving) connected(to peer) error {
	if to.transport == "UDP" {
		return nil
	}
	pool := s.agent.TransportLayer().Pool(to.transport)
	if pool == nil {
		return errGone
	}
	c := pool.Get(to.addr.String())
	if c == nil {
		return errGone
	}
	_, err := c.TryClose() // gives back what Get took
	return err
}

// do sends a request and returns the answer.
func (s *serving) do(ctx context.Context, to peer, req *sip.Request) (*sip.Response, error) {
	if err := s.connected(to); err != nil {
		return nil, err
	}
	return s.client.Do(ctx, req)
}
