package media

import (
	"net"

	"github.com/sluice-media/sluice/internal/connlimit"
)

// Limit returns a listener whose connections are counted, and refused when Config.MaxConnections or
// MaxConnectionsPerAddress are reached: closed, with a line in the log once a second at most. All listeners of a server
// share the limits. An IPv6 address counts with its whole /64; a peer without an IP address counts in all only.
//
// The protocol servers do it with theirs. A host does it with those that are its own, such as that of its http.Server;
// a listener that is limited already comes back as it is.
func (s *Server) Limit(ln net.Listener) net.Listener { return s.limiter.Listen(ln) }

// Connections returns how many connections are open, of all listeners that [Server.Limit] has.
func (s *Server) Connections() int { return s.limiter.Open() }

func (c *Config) limits() connlimit.Limits {
	return connlimit.Limits{All: c.MaxConnections, PerAddress: c.MaxConnectionsPerAddress}
}
