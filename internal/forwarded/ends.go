package forwarded

import (
	"net"
	"net/http"
	"net/netip"
)

// Ends returns the addresses of the connection that a request came by, whatever its headers say; nil for what is not known.
func Ends(r *http.Request) (local, remote net.Addr) {
	local, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = net.TCPAddrFromAddrPort(addr)
	}
	return local, remote
}
