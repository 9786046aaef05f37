package relay

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// AllowAddr is the policy by which addresses are dialed unless the host has one of its own. Cameras live on private networks, so these and
// this machine are allowed. Addresses of one link are not (RFC 3927, RFC 4291, 2.5.6), where clouds tell their secrets, nor what is no
// address of one host.
func AllowAddr(addr netip.AddrPort) error {
	ip := addr.Addr().Unmap()
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), !ip.IsValid(), ip.String() == broadcast, ip.String() == cloud6:
		return fmt.Errorf("%w: %v", ErrAddress, ip)
	}
	return nil
}

const (
	// cloud6 is where Amazon's machines ask for their secrets by IPv6.
	cloud6    = "fd00:ec2::254"
	broadcast = "255.255.255.255"
)

// dialer returns what opens connections to allowed addresses, from one of this machine's if that is not empty. The address is looked at
// when it is dialed, so that a name cannot stand for another by then.
func (r *Relay) dialer(local string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		addr, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %q", ErrAddress, address)
		}
		return r.cfg.Allow(addr)
	}}
	if ip := net.ParseIP(local); ip != nil {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	return d.DialContext
}
