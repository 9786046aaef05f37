package platform

import "net/netip"

// uriHost returns an address as the host of a URI.
func uriHost(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		return "[" + a.WithZone("").String() + "]"
	}
	return a.String()
}
