package connlimit

import (
	"net"
	"net/netip"
)

// seat is what a connection takes up until it is closed.
type seat struct {
	limiter *Limiter
	conn    net.Conn // without what counts it
	owner   netip.Addr

	// What follows is guarded by the limiter's mutex.
	left    bool
	waiting bool   // it is in the queues: nobody has settled it
	gone    func() // whom to tell when it gives way; nil for nobody
	links   [2]link
}

// ends are the two addresses of a connection.
type ends struct{ local, remote netip.AddrPort }

// endsOf returns the addresses of a connection of TCP, IPv4 ones as such; the zero value if there are none.
func endsOf(local, remote net.Addr) ends { return ends{addrPort(local), addrPort(remote)} }

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp == nil {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// ends returns the addresses of the connection, which it keeps when it is closed.
func (s *seat) ends() ends { return endsOf(s.conn.LocalAddr(), s.conn.RemoteAddr()) }

// leave ends what enter began.
func (s *seat) leave() {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	s.limiter.leave(s)
}

// dismiss makes whoever has the seat close its connection: it reads the end, and who may not be reading is told. To close it
// here would not wake everybody.
func (s *seat) dismiss() {
	if gone := s.told(); gone != nil {
		gone()
	}
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		_ = tcp.CloseRead()
		_ = tcp.CloseWrite()
		return
	}
	s.conn.Close()
}

// told returns whom to tell that the seat gives way.
func (s *seat) told() func() {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	gone := s.gone
	s.gone = nil
	return gone
}

// The queues that a seat waits in: that of all, and that of its owner.
const (
	ofAll = iota
	ofOwner
)

type link struct{ before, behind *seat }

// queue is seats in the order in which they came.
type queue struct{ first, last *seat }

func (q *queue) add(s *seat, which int) {
	s.links[which] = link{before: q.last}
	if q.last == nil {
		q.first = s
	} else {
		q.last.links[which].behind = s
	}
	q.last = s
}

func (q *queue) remove(s *seat, which int) {
	l := s.links[which]
	if l.before == nil {
		q.first = l.behind
	} else {
		l.before.links[which].behind = l.behind
	}
	if l.behind == nil {
		q.last = l.before
	} else {
		l.behind.links[which].before = l.before
	}
	s.links[which] = link{}
}
