package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/digest"
	"github.com/sluice-media/sluice/examples/gb28181/internal/gate"
	"github.com/sluice-media/sluice/media"
)

// Platform is one. It implements hooks of a media.Server, see hooks.go. Its methods may be called from any goroutine.
type Platform struct {
	cfg      Config
	log      *slog.Logger
	verifier *digest.Verifier
	gate     *gate.Gate
	tasks    sync.WaitGroup // calls and queries

	mu      sync.Mutex
	serving *serving // nil unless Serve runs
	devices map[string]*device
	peers   map[netip.AddrPort]int // how many devices are online at an address
	calls   map[media.StreamKey]*call
	dialogs map[string]*dialog  // by Call-ID
	numbers map[uint32]struct{} // of the SSRCs in use
	number  uint32              // the last one
	sn      uint32              // of the last query
}

// serving is what there is while Serve runs.
type serving struct {
	ctx      context.Context // ends when calls and queries have to
	receiver Receiver
	agent    *sipgo.UserAgent
	client   *sipgo.Client
	udp      sip.Addr // the socket, as requests name it
	port     int      // for the Via and Contact of requests
}

// New returns a platform that knows nobody yet.
func New(cfg Config) (*Platform, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	p := &Platform{
		cfg: cfg, log: cfg.Logger, verifier: digest.New(cfg.Realm, cfg.NonceLifetime),
		devices: map[string]*device{}, peers: map[netip.AddrPort]int{}, calls: map[media.StreamKey]*call{},
		dialogs: map[string]*dialog{}, numbers: map[uint32]struct{}{},
	}
	p.gate = gate.New(p.isPeer)
	return p, nil
}

// Serve is the SIP server on a UDP socket and a TCP listener of the same port. It returns when ctx ends, or when one of them
// fails; then it has ended all calls, and closed both. It can be called once.
func (p *Platform) Serve(ctx context.Context, r Receiver, udp net.PacketConn, tcp net.Listener) error {
	defer tcp.Close()
	defer udp.Close()
	s, server, err := p.stack(udp)
	if err != nil {
		return err
	}
	s.receiver = r
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.serving = s
	p.mu.Unlock()

	failed := make(chan error, 2)
	var loops sync.WaitGroup
	loops.Go(func() { failed <- p.gate.Serve(udp, server.ServeUDP) })
	loops.Go(func() { failed <- server.ServeTCP(p.gate.Listen(tcp, (missed+1)*p.cfg.Keepalive)) })
	loops.Go(func() { p.watch(s.ctx) })
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = ctx.Err()
	}
	cancel()
	p.mu.Lock()
	p.serving = nil // no more calls and queries
	p.mu.Unlock()
	p.tasks.Wait()
	p.gate.Shut()
	err = errors.Join(err, ignoreClosed(udp.Close()), ignoreClosed(tcp.Close()))
	_ = s.agent.Close() // connections, whose peers may be gone
	loops.Wait()
	_ = s.agent.Close() // and those that it has opened meanwhile to answer what it had read
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// stack sets the SIP stack up.
func (p *Platform) stack(udp net.PacketConn) (*serving, *sipgo.Server, error) {
	local, err := netip.ParseAddrPort(udp.LocalAddr().String())
	if err != nil {
		return nil, nil, fmt.Errorf("platform: %w", err)
	}
	quiet := slog.New(slog.DiscardHandler) // the stack logs what strangers send, in full
	s := &serving{port: int(local.Port())}
	s.udp = sip.Addr{IP: local.Addr().AsSlice(), Port: s.port}
	s.agent, err = sipgo.NewUA(sipgo.WithUserAgent("Sluice"),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet), sip.WithTransactionLayerTerminateOnConnClose()))
	if err != nil {
		return nil, nil, err
	}
	s.client, err = sipgo.NewClient(s.agent, sipgo.WithClientLogger(quiet))
	if err != nil {
		return nil, nil, err
	}
	server, err := sipgo.NewServer(s.agent, sipgo.WithServerLogger(quiet))
	if err != nil {
		return nil, nil, err
	}
	server.OnRegister(p.handler(p.register))
	server.OnMessage(p.handler(p.message))
	server.OnBye(p.handler(p.bye))
	server.OnInvite(p.handler(p.invited))
	server.OnOptions(p.handler(func(req *sip.Request, tx sip.ServerTransaction) { respond(req, tx, sip.StatusOK, "OK") }))
	server.OnCancel(p.handler(func(req *sip.Request, tx sip.ServerTransaction) {
		respond(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
	}))
	server.OnAck(p.handler(func(*sip.Request, sip.ServerTransaction) {}))
	server.OnNoRoute(p.handler(func(req *sip.Request, tx sip.ServerTransaction) {
		respond(req, tx, sip.StatusMethodNotAllowed, "Method Not Allowed")
	}))
	return s, server, nil
}

// handler counts the requests that the stack keeps, and keeps a mistake of a handler from ending the process.
func (p *Platform) handler(h sipgo.RequestHandler) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		end := p.gate.Begin()
		if !tx.OnTerminate(func(string, error) { end() }) {
			end()
		}
		defer func() {
			if r := recover(); r != nil {
				p.log.Error("a request made the platform panic", "method", string(req.Method), "panic", r)
			}
		}()
		h(req, tx)
	}
}

// respond answers a request, to where it came from.
func respond(req *sip.Request, tx sip.ServerTransaction, code int, reason string, headers ...sip.Header) {
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	res.SetDestination(req.Source())
	_ = tx.Respond(res) // the peer may be gone; it asks again if it is not
}
