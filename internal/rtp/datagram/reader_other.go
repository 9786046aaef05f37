//go:build !linux

package datagram

import (
	"net"
	"net/netip"
)

// Reader reads the datagrams that come to a socket. It is for one goroutine at a time.
type Reader struct {
	conn    *net.UDPConn
	buffers *Buffers
}

// NewReader returns a reader of conn, with memory of buffers.
func NewReader(conn *net.UDPConn, buffers *Buffers) (*Reader, error) {
	return &Reader{conn: conn, buffers: buffers}, nil
}

// received is one datagram.
type received struct {
	data [maxDatagram]byte
	n    int
	from netip.AddrPort
}

func newReceived() *received { return &received{} }

func (r *Reader) wait() (*received, error) {
	x := r.buffers.get()
	n, from, err := r.conn.ReadFromUDPAddrPort(x.data[:])
	if err != nil {
		r.buffers.pool.Put(x)
		return nil, err
	}
	x.n, x.from = n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	return x, nil
}

func (x *received) each(take func(b []byte, from netip.AddrPort)) { take(x.data[:x.n], x.from) }
