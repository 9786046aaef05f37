package platform

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/digest"
	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// How long registrations are good, in seconds.
const (
	usualExpires = 3600
	minExpires   = 60
	maxExpires   = 7 * 24 * 3600
)

// register answers REGISTER (RFC 3261, 10.3): it asks for the password, and then takes the device in, or out if it expires at once.
func (p *Platform) register(req *sip.Request, tx sip.ServerTransaction) {
	id, at, ok := sender(req)
	if !ok {
		respond(req, tx, sip.StatusBadRequest, "Bad Request")
		return
	}
	now := time.Now()
	authorization := req.GetHeader("Authorization")
	if authorization == nil {
		p.challenge(req, tx, id, false)
		return
	}
	password, known := p.cfg.Password(id)
	serial, err := p.verifier.Check(string(req.Method), authorization.Value(), id, password, 0, now)
	if err == nil && !known {
		err = digest.ErrDenied
	}
	seconds := expires(req)
	if err == nil {
		err = p.enter(id, at, serial, seconds)
	}
	switch {
	case err == nil:
		respond(req, tx, sip.StatusOK, "OK", contact(req), sip.NewHeader("Expires", strconv.Itoa(seconds)),
			sip.NewHeader("Date", now.Format("2006-01-02T15:04:05.000")))
	case errors.Is(err, digest.ErrStale), errors.Is(err, errStale):
		p.challenge(req, tx, id, true)
	case errors.Is(err, digest.ErrMalformed):
		respond(req, tx, sip.StatusBadRequest, "Bad Request")
	case errors.Is(err, errFull):
		respond(req, tx, sip.StatusServiceUnavailable, "Service Unavailable")
	default:
		p.log.Warn("device refused", "device", id, "peer", at.addr, "why", err)
		respond(req, tx, sip.StatusForbidden, "Forbidden")
	}
}

func (p *Platform) challenge(req *sip.Request, tx sip.ServerTransaction, id string, stale bool) {
	respond(req, tx, sip.StatusUnauthorized, "Unauthorized",
		sip.NewHeader("WWW-Authenticate", p.verifier.Challenge(id, time.Now(), stale)))
}

// enter takes a device in or, with 0 seconds, out.
func (p *Platform) enter(id string, at peer, serial uint64, seconds int) error {
	at.local = localAddr(at.addr)
	fresh, err := p.admit(id, at, serial, time.Now().Add(time.Duration(seconds)*time.Second))
	if err != nil {
		return err
	}
	if seconds == 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		if d := p.devices[id]; d != nil {
			p.leave(d, errors.New("it has unregistered"))
		}
		return nil
	}
	if fresh {
		p.log.Info("device is online", "device", id, "peer", at.addr, "transport", at.transport)
		p.startQuery(id)
	}
	return nil
}

// sender returns who has sent a request, and where it is.
func sender(req *sip.Request) (id string, at peer, ok bool) {
	from := req.From()
	if from == nil || !manscdp.ValidID(from.Address.User) {
		return "", peer{}, false
	}
	addr, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		return "", peer{}, false
	}
	at = peer{addr: netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), transport: strings.ToUpper(req.Transport())}
	return from.Address.User, at, true
}

// expires returns how many seconds a device wants to be registered, within bounds.
func expires(req *sip.Request) int {
	text := ""
	if h := req.GetHeader("Expires"); h != nil {
		text = h.Value()
	} else if c := req.Contact(); c != nil {
		text = c.Params.GetOr("expires", "")
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	switch {
	case err != nil:
		return usualExpires
	case n == 0:
		return 0
	}
	return max(minExpires, min(int(n), maxExpires))
}

// contact returns the header of a request, which its answer repeats.
func contact(req *sip.Request) sip.Header {
	if c := req.Contact(); c != nil {
		return sip.HeaderClone(c)
	}
	return sip.NewHeader("Server", "Sluice")
}
