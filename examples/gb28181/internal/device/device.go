package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// Device is one.
type Device struct {
	cfg    Config
	agent  *sipgo.UserAgent
	client *sipgo.Client
	socket net.PacketConn // its SIP socket; of TCP it is not used
	addr   sip.Addr
	loops  sync.WaitGroup
	tasks  sync.WaitGroup // requests
	sn     atomic.Uint32
	// canceled counts invitations.
	canceled atomic.Int32

	life context.Context // of the device
	cut  context.CancelFunc

	mu    sync.Mutex
	calls map[string]*call // by Call-ID
	auth  string           // the Authorization of the last registration
	over  bool
}

// New returns a device that has not registered yet. It has to be closed.
func New(cfg Config) (*Device, error) {
	if cfg.Speed <= 0 {
		cfg.Speed = 1
	}
	if cfg.Keepalive <= 0 {
		cfg.Keepalive = time.Minute
	}
	quiet := slog.New(slog.DiscardHandler)
	agent, err := sipgo.NewUA(sipgo.WithUserAgent("device"),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)))
	if err != nil {
		return nil, err
	}
	server, err1 := sipgo.NewServer(agent, sipgo.WithServerLogger(quiet))
	client, err2 := sipgo.NewClient(agent, sipgo.WithClientLogger(quiet))
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	d := &Device{cfg: cfg, agent: agent, client: client, calls: map[string]*call{}}
	d.life, d.cut = context.WithCancel(context.Background())
	server.OnMessage(d.message)
	server.OnInvite(d.invited)
	server.OnAck(d.acknowledged)
	server.OnBye(d.bye)
	if d.socket, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	local, _ := d.socket.LocalAddr().(*net.UDPAddr)
	d.addr = sip.Addr{IP: local.IP, Port: local.Port}
	d.loops.Go(func() { _ = server.ServeUDP(d.socket) })
	for pool := agent.TransportLayer().Pool("udp"); pool.Size() == 0; { // until the stack knows the socket
		time.Sleep(time.Millisecond)
	}
	return d, nil
}

// Close is a power cut: nobody is told, and nothing is sent any more.
func (d *Device) Close() {
	d.mu.Lock()
	d.over = true
	for _, c := range d.calls {
		c.cancel()
	}
	d.mu.Unlock()
	d.cut()
	d.tasks.Wait() // what sends a request after the socket is closed opens another
	d.socket.Close()
	d.loops.Wait()
	time.Sleep(50 * time.Millisecond) // for requests that the stack has read: it opens sockets to answer them
	_ = d.agent.Close()
}

// do sends a request and returns its answer.
func (d *Device) do(ctx context.Context, send func(context.Context) (*sip.Response, error)) (*sip.Response, error) {
	if !d.begin() {
		return nil, net.ErrClosed
	}
	defer d.tasks.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	return send(ctx)
}

// exchange sends a request and returns its answer.
func (d *Device) exchange(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	return d.do(ctx, func(ctx context.Context) (*sip.Response, error) { return d.client.Do(ctx, req) })
}

// Run registers, and says that it is there, until ctx ends. When a keep-alive is refused it registers again.
func (d *Device) Run(ctx context.Context) error {
	if err := d.Register(ctx, 3600); err != nil {
		return err
	}
	ticker := time.NewTicker(d.cfg.Keepalive)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if d.cfg.Mute {
			continue
		}
		if err := d.Keepalive(ctx); errors.Is(err, errRefused) {
			if err := d.Register(ctx, 3600); err != nil {
				return err
			}
		}
	}
}

// StatusError is an answer of the platform that is none of success.
type StatusError int

// Error returns the code.
func (e StatusError) Error() string { return fmt.Sprintf("device: the platform answers %d", int(e)) }

var errRefused = StatusError(sip.StatusForbidden)

// Register registers for so many seconds, or ends the registration with 0.
func (d *Device) Register(ctx context.Context, seconds int) error {
	req := d.request(sip.REGISTER, "")
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(seconds)))
	res, err := d.exchange(ctx, req)
	if err != nil {
		return err
	}
	if res.StatusCode == sip.StatusUnauthorized {
		challenge := res
		res, err = d.do(ctx, func(ctx context.Context) (*sip.Response, error) {
			return d.client.DoDigestAuth(ctx, req, challenge, sipgo.DigestAuth{Username: d.cfg.ID, Password: d.cfg.Password})
		})
		if err != nil {
			return err
		}
	}
	d.mu.Lock()
	if h := req.GetHeader("Authorization"); h != nil {
		d.auth = h.Value()
	}
	d.mu.Unlock()
	return status(res)
}

// Replay sends the Authorization of the last registration again, as who has listened to it would. It returns the answer.
func (d *Device) Replay(ctx context.Context) (*sip.Response, error) {
	req := d.request(sip.REGISTER, "")
	req.AppendHeader(sip.NewHeader("Expires", "3600"))
	d.mu.Lock()
	req.AppendHeader(sip.NewHeader("Authorization", d.auth))
	d.mu.Unlock()
	return d.exchange(ctx, req)
}

// Keepalive says that the device is there.
func (d *Device) Keepalive(ctx context.Context) error {
	return d.tell(ctx, &manscdp.Message{
		Kind: manscdp.Notify, Command: manscdp.Keepalive, SN: d.sn.Add(1), DeviceID: d.cfg.ID, Status: "OK",
	})
}

// tell sends a message to the platform.
func (d *Device) tell(ctx context.Context, m *manscdp.Message) error {
	body, err := m.Bytes()
	if err != nil {
		return err
	}
	if d.cfg.UTF8 {
		body = m.UTF8()
	}
	req := d.request(sip.MESSAGE, manscdp.ContentType)
	req.SetBody(body)
	res, err := d.exchange(ctx, req)
	if err != nil {
		return err
	}
	return status(res)
}

func status(res *sip.Response) error {
	if !res.IsSuccess() {
		return StatusError(res.StatusCode)
	}
	return nil
}

// request returns one to the platform.
func (d *Device) request(method sip.RequestMethod, contentType string) *sip.Request {
	req := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: d.cfg.ServerID, Host: d.cfg.Realm})
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: d.cfg.ID, Host: d.cfg.Realm}}
	from.Params.Add("tag", sip.GenerateTagN(16))
	to := &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: d.cfg.ServerID, Host: d.cfg.Realm}}
	if method == sip.REGISTER {
		to.Address.User = d.cfg.ID
	}
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(d.contact())
	if contentType != "" {
		req.AppendHeader(sip.NewHeader("Content-Type", contentType))
	}
	req.SetDestination(d.cfg.Server)
	d.route(req)
	return req
}

func (d *Device) route(req *sip.Request) {
	if d.cfg.TCP {
		req.SetTransport("TCP")
		return
	}
	req.SetTransport("UDP")
	req.Laddr = d.addr
}

func (d *Device) contact() *sip.ContactHeader {
	return &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: d.cfg.ID, Host: d.addr.IP.String(), Port: d.addr.Port}}
}

// message answers a query of the platform.
func (d *Device) message(req *sip.Request, tx sip.ServerTransaction) {
	m, err := manscdp.Parse(req.Body())
	if err != nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusBadRequest, "Bad Request", nil))
		return
	}
	_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil))
	if m.Command != manscdp.Catalog {
		return
	}
	ctx, cancel := context.WithTimeout(d.life, 10*time.Second)
	defer cancel()
	for i := range d.cfg.Channels { // one by one, as cameras do
		_ = d.tell(ctx, &manscdp.Message{
			Kind: manscdp.Response, Command: manscdp.Catalog, SN: m.SN, DeviceID: d.cfg.ID, Total: len(d.cfg.Channels),
			Items: d.cfg.Channels[i : i+1],
		})
	}
}

// begin counts what Close waits for, unless it is over.
func (d *Device) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.tasks.Add(1)
	}
	return !d.over
}

// Calls returns how many calls there are.
func (d *Device) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.calls)
}
