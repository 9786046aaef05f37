package media

import (
	"net"

	"github.com/sluice-media/sluice/internal/connlimit"
)

// Limit returns a listener whose connections are counted. When one comes that is more than Config.MaxConnections or
// MaxConnectionsPerAddress, the oldest for which [Server.Settle] was not called gives way: its reader finds the end. If
// there is none, the new one is closed. The log has a line of either once a second at most. All listeners of a server
// share the limits. An IPv6 address counts with its whole /64; a peer without an IP address counts in all only, and gives
// way to nobody.
//
// The protocol servers do it with theirs. A host does it with those that are its own, such as that of its http.Server;
// a listener that is limited already comes back as it is.
func (s *Server) Limit(ln net.Listener) net.Listener { return s.limiter.Listen(ln) }

// Settle says that the connection between two addresses, as the connection itself tells them, is used by somebody who may:
// who plays, publishes, or has shown that he may call the API. It gives way to no other any more. Connections that
// [Server.Limit] does not know are none of its business.
func (s *Server) Settle(local, remote net.Addr) { s.limiter.Settle(local, remote) }

// Uses says that the session came by the connection between two addresses, as the connection itself tells them. If that has
// to give way to another, see [Server.Limit], the session is kicked with [ErrGaveWay], whatever it is doing.
func (x *Session) Uses(local, remote net.Addr) {
	x.server.limiter.Tell(local, remote, func() { x.Kick(ErrGaveWay) })
}

// Connections returns how many connections are open, of all listeners that [Server.Limit] has.
func (s *Server) Connections() int { return s.limiter.Open() }

func (c *Config) limits() connlimit.Limits {
	return connlimit.Limits{All: c.MaxConnections, PerAddress: c.MaxConnectionsPerAddress}
}
