package relay

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sluice-media/sluice/media"
)

// maxRing bounds how many pulls of this server may stand in a row.
const maxRing = 100

// unlessLoop is try, but ends it with [ErrLoop] if it plays what is made of its own stream.
func (r *Relay) unlessLoop(key media.StreamKey, try attempt) attempt {
	return func(ctx context.Context, playing func(*media.Session)) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		return try(ctx, func(x *media.Session) {
			if r.loops(x, key) {
				cancel(fmt.Errorf("%w: %v", ErrLoop, key))
				return
			}
			playing(x)
		})
	}
}

// loops reports whether what a pull plays comes from the stream that it makes: over a connection to this server itself, however it was named,
// or over several of them in a row.
func (r *Relay) loops(x *media.Session, key media.StreamKey) bool {
	end := x.Info().Local
	for range maxRing {
		st := r.playedTo(end)
		switch {
		case st == nil:
			return false
		case st.Key() == key:
			return true
		}
		end = st.Source("").OriginSession.Local
	}
	return true
}

// asked reports whether this server itself is at the other end of a connection from an address, and plays nothing over it.
func (r *Relay) asked(from netip.AddrPort) bool {
	if !from.IsValid() {
		return false
	}
	for x := range r.media.Sessions() {
		if x.Info().Remote == from {
			return x.Player() == nil
		}
	}
	return false
}

// playedTo returns the stream that is played to an address; nil if that is none of a peer.
func (r *Relay) playedTo(addr netip.AddrPort) *media.Stream {
	if !addr.IsValid() {
		return nil
	}
	for x := range r.media.Sessions() {
		if p := x.Player(); x.Info().Remote == addr && p != nil {
			return p.Stream()
		}
	}
	return nil
}
