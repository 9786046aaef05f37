package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/gbsdp"
)

// endTimeout is how long a device has to answer a BYE or CANCEL.
const endTimeout = 3 * time.Second

// dialog is what an INVITE begins and a BYE ends (RFC 3261, 12). The fields of its second half are set before anybody else sees
// it, but for what Platform.mu guards.
type dialog struct {
	platform *Platform
	serving  *serving
	device   string

	invite *sip.Request
	tx     sip.ClientTransaction
	answer *sip.Response // guarded by Platform.mu
	callID string
	tag    string        // ours
	ended  chan struct{} // closed when the device has sent its BYE
}

// dial invites a channel of a device. When it returns an error there is no dialog.
func (p *Platform) dial(ctx context.Context, s *serving, device, channel string, offer *gbsdp.Session) (*dialog, *gbsdp.Session, error) {
	to, err := p.peerOf(device)
	if err != nil {
		return nil, nil, err
	}
	if err := s.connected(to); err != nil {
		return nil, nil, err
	}
	req := p.request(s, to, sip.INVITE, channel, gbsdp.ContentType, offer.Bytes())
	callID := sip.CallIDHeader(sip.GenerateTagN(24))
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	req.AppendHeader(sip.NewHeader("Subject", fmt.Sprintf("%s:%010d,%s:0", channel, offer.SSRC, p.cfg.ID)))
	d := &dialog{
		platform: p, serving: s, device: device, invite: req, callID: string(callID),
		tag: req.From().Params.GetOr("tag", ""), ended: make(chan struct{}),
	}
	p.mu.Lock()
	p.dialogs[d.callID] = d
	p.mu.Unlock()
	answer, err := d.establish(ctx, to)
	if err != nil {
		d.close()
		return nil, nil, err
	}
	return d, answer, nil
}

// establish sends the INVITE, and the ACK of what answers it.
func (d *dialog) establish(ctx context.Context, to peer) (*gbsdp.Session, error) {
	var err error
	if d.tx, err = d.serving.client.TransactionRequest(ctx, d.invite); err != nil {
		return nil, err
	}
	res, err := d.await(ctx)
	if err != nil {
		return nil, d.giveUp(to, err)
	}
	if !res.IsSuccess() {
		return nil, fmt.Errorf("platform: the device answers %d %s", res.StatusCode, res.Reason[:min(len(res.Reason), 64)])
	}
	if err := d.acknowledge(to, res); err != nil {
		return nil, err
	}
	answer, err := gbsdp.Parse(res.Body())
	if err != nil {
		d.hangUp()
		return nil, err
	}
	return answer, nil
}

// await returns the final answer.
func (d *dialog) await(ctx context.Context) (*sip.Response, error) {
	for {
		select {
		case res := <-d.tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-d.tx.Done():
			return nil, errors.Join(errors.New("platform: the device does not answer"), d.tx.Err())
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// giveUp takes the INVITE back. A device that has accepted it meanwhile is told that it is over.
func (d *dialog) giveUp(to peer, why error) error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	req := sip.NewRequest(sip.CANCEL, d.invite.Recipient)
	for _, h := range []sip.Header{d.invite.Via(), d.invite.From(), d.invite.To(), d.invite.CallID()} {
		req.AppendHeader(sip.HeaderClone(h))
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.CANCEL})
	req.SetTransport(d.invite.Transport())
	req.SetDestination(to.addr.String())
	req.Laddr = d.invite.Laddr
	if _, err := d.serving.do(ctx, to, req); err != nil {
		return why
	}
	res, err := d.await(ctx)
	if err == nil && res.IsSuccess() && d.acknowledge(to, res) == nil {
		d.hangUp()
	}
	return why
}

// acknowledge sends the ACK, and again whenever the answer comes again.
func (d *dialog) acknowledge(to peer, res *sip.Response) error {
	if res.To() == nil {
		return errors.New("platform: an answer without a To")
	}
	d.platform.mu.Lock()
	d.answer = res
	d.platform.mu.Unlock()
	ack := d.request(sip.ACK, 1, to)
	again := ack.Clone()
	d.tx.OnRetransmission(func(*sip.Response) { _ = d.serving.client.WriteRequest(again.Clone()) })
	return d.serving.client.WriteRequest(ack)
}

// request returns one within the dialog.
func (d *dialog) request(method sip.RequestMethod, number uint32, to peer) *sip.Request {
	target := d.invite.Recipient
	if c := d.answer.Contact(); c != nil {
		target = c.Address
	}
	req := sip.NewRequest(method, *target.Clone())
	for _, h := range []sip.Header{d.invite.From(), d.answer.To(), d.invite.CallID(), d.invite.Contact()} {
		req.AppendHeader(sip.HeaderClone(h))
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: number, MethodName: method})
	d.serving.route(req, to)
	req.SetBody(nil)
	return req
}

// hangUp ends the dialog: the device is told, unless it has said so itself or is offline.
func (d *dialog) hangUp() {
	defer d.close()
	select {
	case <-d.ended:
		return
	default:
	}
	to, err := d.platform.peerOf(d.device)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if _, err := d.serving.do(ctx, to, d.request(sip.BYE, 2, to)); err != nil {
		d.platform.log.Warn("a device does not answer to BYE", "device", d.device, "err", err)
	}
}

// close forgets the dialog.
func (d *dialog) close() {
	d.platform.mu.Lock()
	delete(d.platform.dialogs, d.callID)
	d.platform.mu.Unlock()
	if d.tx != nil {
		d.tx.Terminate()
	}
}

// find returns the dialog of a request, or nil.
func (p *Platform) find(req *sip.Request) *dialog {
	if req.CallID() == nil || req.From() == nil || req.To() == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.dialogs[string(*req.CallID())]
	if d == nil || d.answer == nil || d.tag != req.To().Params.GetOr("tag", "") {
		return nil
	}
	if d.answer.To().Params.GetOr("tag", "") != req.From().Params.GetOr("tag", "") {
		return nil
	}
	return d
}

// bye answers the BYE of a device.
func (p *Platform) bye(req *sip.Request, tx sip.ServerTransaction) {
	d := p.find(req)
	if d == nil {
		respond(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
		return
	}
	respond(req, tx, sip.StatusOK, "OK")
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-d.ended:
	default:
		close(d.ended)
	}
}

// invited answers INVITE: a call goes on as it was agreed on, and nobody calls the platform.
func (p *Platform) invited(req *sip.Request, tx sip.ServerTransaction) {
	if p.find(req) != nil {
		respond(req, tx, sip.StatusNotAcceptableHere, "Not Acceptable Here")
		return
	}
	respond(req, tx, sip.StatusForbidden, "Forbidden")
}
