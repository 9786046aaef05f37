package datagram

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reader reads the datagrams that come to a socket. It is for one goroutine at a time.
type Reader struct {
	raw     syscall.RawConn
	buffers *Buffers
	attempt func(fd uintptr) bool
	batch   *received // what an attempt has read
	errno   syscall.Errno
}

// NewReader returns a reader of conn, with memory of buffers while something is there to be read: who waits has none.
func NewReader(conn *net.UDPConn, buffers *Buffers) (*Reader, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &Reader{raw: raw, buffers: buffers}
	r.attempt = r.tryOnce
	return r, nil
}

// wait returns what has come, once something has. It is taken behind the call that waits, in which the socket could not be closed.
func (r *Reader) wait() (*received, error) {
	r.batch, r.errno = nil, 0
	if err := r.raw.Read(r.attempt); err != nil {
		return nil, err
	}
	if r.errno != 0 {
		return nil, r.errno
	}
	return r.batch, nil
}

// received is what recvmmsg(2) has filled.
type received struct {
	heads  [maxRead]mmsghdr
	pieces [maxRead]syscall.Iovec
	names  [maxRead]syscall.RawSockaddrInet6 // an IPv4 one fits, too
	data   [maxRead][maxDatagram]byte
	n      int
}

func newReceived() *received {
	x := &received{}
	for i := range x.heads {
		x.pieces[i].Base = &x.data[i][0]
		x.pieces[i].SetLen(maxDatagram)
		x.heads[i].head.Name = (*byte)(unsafe.Pointer(&x.names[i])) //nolint:gosec // the system's layout
		x.heads[i].head.Iov, x.heads[i].head.Iovlen = &x.pieces[i], 1
	}
	return x
}

// tryOnce reads what is there, and reports whether there was something, or it has failed.
func (r *Reader) tryOnce(fd uintptr) bool {
	b := r.buffers.get()
	for i := range b.heads {
		b.heads[i].head.Namelen = uint32(unsafe.Sizeof(b.names[i]))
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.heads[0])), maxRead, syscall.MSG_DONTWAIT, 0, 0) //nolint:gosec // the call keeps nothing
	if errno == 0 && n > 0 {
		b.n, r.batch = int(n), b
		return true
	}
	r.buffers.pool.Put(b)
	if errno == syscall.EAGAIN {
		return false
	}
	if errno != 0 && errno != syscall.EINTR {
		r.errno = errno
	}
	return true
}

func (x *received) each(take func(b []byte, from netip.AddrPort)) {
	for i := range x.n {
		take(x.data[i][:min(int(x.heads[i].sent), maxDatagram)], x.from(i))
	}
}

// from is where a datagram comes from.
func (x *received) from(i int) netip.AddrPort {
	name := &x.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:]) //nolint:gosec // at the same place in both
	switch name.Family {
	case syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4((*syscall.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), port) //nolint:gosec // the system's layout
	case syscall.AF_INET6:
		addr := netip.AddrFrom16(name.Addr).Unmap()
		if addr.Is6() && name.Scope_id != 0 {
			addr = addr.WithZone(strconv.Itoa(int(name.Scope_id)))
		}
		return netip.AddrPortFrom(addr, port)
	}
	return netip.AddrPort{}
}
