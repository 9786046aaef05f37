package cookbook

import (
	"net/netip"

	"github.com/sluice-media/sluice/media"
)

// kickAddress ends all sessions of an address, and returns how many.
func kickAddress(m *media.Server, addr netip.Addr) (n int) {
	for x := range m.Sessions() {
		if x.Info().Remote.Addr() == addr {
			x.Kick(media.ErrKicked)
			n++
		}
	}
	return n
}

// kickStream ends a stream: its publisher, which gets no time to come back, and its viewers.
func kickStream(m *media.Server, key media.StreamKey) bool {
	st, ok := m.Stream(key)
	if ok {
		st.Kick(media.ErrKicked)
	}
	return ok
}
