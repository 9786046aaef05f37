package relay

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/sluice-media/sluice/internal/acceptor"
)

// AllowAddr is the policy by which addresses are dialed unless the host has one of its own. Cameras live on private networks, so these and
// this machine are allowed. Addresses of one link are not (RFC 3927, RFC 4291, 2.5.6), where clouds tell their secrets, nor what is no
// address of one host.
func AllowAddr(addr netip.AddrPort) error {
	ip := addr.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || within(cloud, ip) || within(cloud6, ip) {
		return fmt.Errorf("%w: %v", ErrAddress, ip)
	}
	return ofOneHost(ip)
}

// cloud and cloud6 are where the machines of Alibaba ask for their secrets, and those of Amazon by IPv6.
const (
	cloud  = "100.100.100.200/32"
	cloud6 = "fd00:ec2::254/128"
)

// ofOneHost refuses what is no address of one host. Of these 0.0.0.0 is this machine where it is dialed, whatever a policy says of loopback.
func ofOneHost(ip netip.Addr) error {
	if !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return fmt.Errorf("%w: %v", ErrAddress, ip)
	}
	return nil
}

// allow asks the policy about an address: always about IPv4 as such, and if a router makes an address of IPv4 out of this one, about that too.
func (r *Relay) allow(addr netip.AddrPort) error {
	for ip, ok := addr.Addr().Unmap(), true; ok; ip, ok = behind(ip) {
		if err := ofOneHost(ip); err != nil {
			return err
		}
		if err := r.cfg.Allow(netip.AddrPortFrom(ip, addr.Port())); err != nil {
			return err
		}
	}
	return nil
}

// behind is the address of IPv4 that stands in one of IPv6, by the rules of NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056) or of old
// (RFC 4291, 2.5.5.1).
func behind(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return ip, false
	}
	b := ip.As16()
	at := 12
	switch {
	case within("64:ff9b::/96", ip), within("64:ff9b:1::/48", ip):
	case within("2002::/16", ip):
		at = 2
	case within("::/96", ip) && !ip.IsLoopback():
	default:
		return ip, false
	}
	return netip.AddrFrom4([4]byte(b[at : at+4])), true
}

func within(prefix string, ip netip.Addr) bool {
	return netip.MustParsePrefix(prefix).Contains(ip.WithZone(""))
}

// dialer returns what opens connections to allowed addresses, from one of this machine's if that is not empty. The address is looked at
// when it is dialed, so that a name cannot stand for another by then.
func (r *Relay) dialer(local string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{Resolver: &r.resolver, Control: func(_, address string, _ syscall.RawConn) error {
		addr, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %q", ErrAddress, address)
		}
		return r.allow(addr)
	}}
	if ip := net.ParseIP(local); ip != nil {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	return d.DialContext
}

// calls is what a pull dials with, and knows from where it has done so last.
type calls struct {
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	local atomic.Pointer[netip.AddrPort]
}

func (c *calls) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, addr)
	if err == nil {
		c.local.Store(new(acceptor.Address(conn.LocalAddr())))
	}
	return conn, err
}

// end is the address of the newest connection here; not valid if there is none.
func (c *calls) end() netip.AddrPort {
	if a := c.local.Load(); a != nil {
		return *a
	}
	return netip.AddrPort{}
}
