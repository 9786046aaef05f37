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

const (
	solUDP     = 17
	udpSegment = 103
)

// canSegment reports whether the system has UDP generic segmentation offload. One that has not would send a run as one
// large datagram.
func canSegment(raw syscall.RawConn) (can bool) {
	_ = raw.Control(func(fd uintptr) {
		_, err := syscall.GetsockoptInt(int(fd), solUDP, udpSegment)
		can = err == nil
	})
	return can
}

// Destination is an address as one socket sends to it.
type Destination struct {
	socket *Socket
	addr   [syscall.SizeofSockaddrInet6]byte
	length uint16
	apart  bool // the way there does not take runs: its packets must be smaller, or its device cannot
}

// NewDestination returns to as s sends to it.
func NewDestination(s *Socket, to netip.AddrPort) Destination {
	d := Destination{socket: s}
	if s.v4() {
		sa := syscall.RawSockaddrInet4{Family: syscall.AF_INET, Addr: to.Addr().Unmap().As4()}
		d.length = uint16(copy(d.addr[:], (*[syscall.SizeofSockaddrInet4]byte)(unsafe.Pointer(&sa))[:])) //nolint:gosec // the system's layout
	} else {
		sa := syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Addr: to.Addr().As16(), Scope_id: scopeOf(to.Addr().Zone())}
		d.length = uint16(copy(d.addr[:], (*[syscall.SizeofSockaddrInet6]byte)(unsafe.Pointer(&sa))[:])) //nolint:gosec // the system's layout
	}
	binary.BigEndian.PutUint16(d.addr[2:], to.Port()) // at the same place in both
	return d
}

// scopeOf is the number of a zone, the name of an interface or its number (RFC 4007, 11); 0 if there is none.
func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}

// To is the address, without its zone.
func (d *Destination) To() netip.AddrPort {
	port := binary.BigEndian.Uint16(d.addr[2:])
	if d.length == syscall.SizeofSockaddrInet4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(d.addr[4:])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(d.addr[8:])), port)
}

// v4 reports whether the socket is one of IPv4 only.
func (s *Socket) v4() (is bool) {
	_ = s.control(func(fd uintptr) {
		if name, err := syscall.Getsockname(int(fd)); err == nil {
			_, is = name.(*syscall.SockaddrInet4)
		}
	})
	return is
}

// control calls fn with the descriptor.
func (s *Socket) control(fn func(fd uintptr)) error {
	if s.plain.isOpen() {
		fn(uintptr(s.plain.fd))
		return nil
	}
	return s.raw.Control(fn)
}

// maxBatch is how many runs go into one system call.
const maxBatch = 32

// mmsghdr is what sendmmsg(2) takes. What is left of the last word of a 64-bit system is padded by the compiler, as in C.
type mmsghdr struct {
	head syscall.Msghdr
	sent uint32
}

// Batch is runs of datagrams that go out together. It is for one goroutine at a time.
type Batch struct {
	heads  [maxBatch]mmsghdr
	pieces [maxBatch]syscall.Iovec
	sizes  [maxBatch][segmentSpace]byte // control messages
	runs   [maxBatch]run
	n      int
	socket *Socket

	call  func(fd uintptr)
	first int // what call sends from
	end   int // and up to
	done  int
	errno syscall.Errno
}

// segmentSpace is the space of a control message with the size of segments.
const segmentSpace = 24

// NewBatch returns an empty batch.
func NewBatch() *Batch {
	b := &Batch{}
	b.call = b.sendOnce
	return b
}

// add puts a run into the batch, after sending what does not go with it.
func (b *Batch) add(r *run) {
	if b.n == maxBatch || b.n > 0 && b.socket != r.to.socket {
		b.Flush()
		if r.of.Err != nil {
			return
		}
	}
	b.socket = r.to.socket
	i := b.n
	b.n++
	b.runs[i] = *r
	b.pieces[i].Base = &r.packets[0]
	b.pieces[i].SetLen(len(r.packets))
	h := &b.heads[i].head
	*h = syscall.Msghdr{Name: &r.to.addr[0], Namelen: uint32(r.to.length), Iov: &b.pieces[i], Iovlen: 1}
	if r.segmented() {
		c := (*syscall.Cmsghdr)(unsafe.Pointer(&b.sizes[i][0])) //nolint:gosec // the system's layout
		c.Level, c.Type = solUDP, udpSegment
		c.SetLen(syscall.CmsgLen(2))
		binary.NativeEndian.PutUint16(b.sizes[i][syscall.CmsgLen(0):], uint16(r.unit))
		h.Control = &b.sizes[i][0]
		h.SetControllen(syscall.CmsgSpace(2))
	}
}

// segmented reports whether a run is more than one datagram.
func (r *run) segmented() bool { return len(r.packets) > r.unit }

// Flush sends the batch.
func (b *Batch) Flush() {
	failed := false
	for b.first = 0; b.first < b.n; {
		r := &b.runs[b.first]
		if r.of.Err != nil {
			b.first++
			continue
		}
		if err := b.sendSome(r, b.ready(failed)); err != nil {
			r.fail(err)
			failed = true
		}
	}
	b.clear()
}

// ready returns up to where the batch goes into one call: up to a run of chunks that have failed.
func (b *Batch) ready(failed bool) int {
	if failed {
		for i, r := range b.runs[b.first:b.n] {
			if r.of.Err != nil {
				return b.first + i
			}
		}
	}
	return b.n
}

// sendSome sends r, the first, and what goes with it up to end. Its error is about r alone.
func (b *Batch) sendSome(r *run, end int) error {
	if r.segmented() && (r.to.apart || !b.socket.gso) {
		b.first++
		return b.sendApart(b.first-1, r)
	}
	if err := b.sendTo(end); err != nil {
		return err
	}
	switch {
	case b.errno == 0:
		b.first += b.done
		return nil
	case r.segmented() && cannotSegment(b.errno):
		r.to.apart = true
		return nil
	}
	b.first++
	return sendErr(b.errno)
}

func (b *Batch) clear() {
	for i := range b.n {
		b.heads[i], b.pieces[i], b.runs[i] = mmsghdr{}, syscall.Iovec{}, run{}
	}
	b.n, b.socket = 0, nil
}

func cannotSegment(e syscall.Errno) bool {
	return e == syscall.EINVAL || e == syscall.EIO || e == syscall.ENOPROTOOPT || e == syscall.EMSGSIZE || e == syscall.EOPNOTSUPP
}

// sendTo sends from the first message up to end.
func (b *Batch) sendTo(end int) error {
	b.end = end
	return b.socket.control(b.call)
}

// sendOnce sends without waiting: a raw call saves telling the scheduler.
func (b *Batch) sendOnce(fd uintptr) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.heads[b.first])), //nolint:gosec // the call keeps nothing
		uintptr(b.end-b.first), syscall.MSG_DONTWAIT, 0, 0)
	b.done, b.errno = int(n), errno
}

// sendApart sends the datagrams of a run one by one, in the place of its message i.
func (b *Batch) sendApart(i int, r *run) error {
	defer func(first int) { b.first = first }(b.first)
	b.first = i
	b.heads[i].head.Control = nil
	b.heads[i].head.SetControllen(0)
	for rest := r.packets; len(rest) > 0; {
		size := min(r.unit, len(rest))
		b.pieces[i].Base = &rest[0]
		b.pieces[i].SetLen(size)
		if err := b.sendTo(i + 1); err != nil {
			return err
		}
		if b.errno != 0 {
			if err := sendErr(b.errno); err != nil {
				return err
			}
		}
		rest = rest[size:]
	}
	return nil
}
