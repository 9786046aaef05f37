package rtsp

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canSegment says that the system has UDP generic segmentation offload: one call sends a run of datagrams.
const canSegment = true

const (
	solUDP     = 17
	udpSegment = 103
)

// destination is an address as one socket sends to it.
type destination struct {
	socket *datagramSocket
	addr   [syscall.SizeofSockaddrInet6]byte
	length uint32
}

func newDestination(s *datagramSocket, to netip.AddrPort) destination {
	d := destination{socket: s}
	if s.v4() {
		sa := syscall.RawSockaddrInet4{Family: syscall.AF_INET, Addr: to.Addr().Unmap().As4()}
		d.length = uint32(copy(d.addr[:], (*[syscall.SizeofSockaddrInet4]byte)(unsafe.Pointer(&sa))[:])) //nolint:gosec // the system's layout
	} else {
		sa := syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Addr: to.Addr().As16()}
		d.length = uint32(copy(d.addr[:], (*[syscall.SizeofSockaddrInet6]byte)(unsafe.Pointer(&sa))[:])) //nolint:gosec // the system's layout
	}
	binary.BigEndian.PutUint16(d.addr[2:], to.Port()) // at the same place in both
	return d
}

// to is the address.
func (d *destination) to() netip.AddrPort {
	port := binary.BigEndian.Uint16(d.addr[2:])
	if d.length == syscall.SizeofSockaddrInet4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(d.addr[4:])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(d.addr[8:])), port)
}

// v4 reports whether the socket is one of IPv4 only.
func (s *datagramSocket) v4() (is bool) {
	_ = s.control(func(fd uintptr) {
		if name, err := syscall.Getsockname(int(fd)); err == nil {
			_, is = name.(*syscall.SockaddrInet4)
		}
	})
	return is
}

// control calls fn with the descriptor.
func (s *datagramSocket) control(fn func(fd uintptr)) error {
	if s.plain.isOpen() {
		fn(uintptr(s.plain.fd))
		return nil
	}
	return s.raw.Control(fn)
}

// maxBatch is how many runs go into one system call.
const maxBatch = 16

// mmsghdr is what sendmmsg(2) takes.
type mmsghdr struct {
	head syscall.Msghdr
	sent uint32
	_    [4]byte
}

// batch is runs of datagrams that go out together. It is for one goroutine at a time.
type batch struct {
	heads  [maxBatch]mmsghdr
	pieces [maxBatch]syscall.Iovec
	sizes  [maxBatch][segmentSpace]byte // control messages
	runs   [maxBatch]run
	n      int
	socket *datagramSocket

	call  func(fd uintptr)
	first int // what call sends from
	done  int
	errno syscall.Errno
}

// run is what a message of a batch was made of.
type run struct {
	to      *destination
	packets []byte
	unit    int
	chunk   int
}

// segmentSpace is the space of a control message with the size of segments.
const segmentSpace = 24

func newBatch() *batch {
	b := &batch{}
	b.call = b.sendOnce
	return b
}

// add puts a run into the batch, after sending what does not go with it. chunk is the number of the chunk it is of.
func (b *batch) add(to *destination, packets []byte, unit, chunk int) (failed int, err error) {
	if b.n == maxBatch || b.n > 0 && b.socket != to.socket {
		if failed, err = b.flush(); err != nil {
			return failed, err
		}
	}
	b.socket = to.socket
	i := b.n
	b.n++
	b.runs[i] = run{to, packets, unit, chunk}
	b.pieces[i].Base = &packets[0]
	b.pieces[i].SetLen(len(packets))
	h := &b.heads[i].head
	*h = syscall.Msghdr{Name: &to.addr[0], Namelen: to.length, Iov: &b.pieces[i], Iovlen: 1}
	if len(packets) > unit {
		c := (*syscall.Cmsghdr)(unsafe.Pointer(&b.sizes[i][0])) //nolint:gosec // the system's layout
		c.Level, c.Type = solUDP, udpSegment
		c.SetLen(syscall.CmsgLen(2))
		binary.NativeEndian.PutUint16(b.sizes[i][syscall.CmsgLen(0):], uint16(unit))
		h.Control = &b.sizes[i][0]
		h.SetControllen(syscall.CmsgSpace(2))
	}
	return 0, nil
}

// flush sends the batch. On an error it returns the number of the chunk that could not be sent.
func (b *batch) flush() (failed int, err error) {
	defer b.clear()
	for b.first = 0; b.first < b.n; {
		r := &b.runs[b.first]
		if len(r.packets) > r.unit && !b.socket.gso.Load() {
			if err := b.sendApart(r); err != nil {
				return r.chunk, err
			}
			b.first++
			continue
		}
		if err := b.socket.control(b.call); err != nil {
			return r.chunk, err
		}
		switch {
		case b.errno == 0:
			b.first += b.done
		case len(r.packets) > r.unit && cannotSegment(b.errno):
			b.socket.gso.Store(false) // this system or device cannot
		default:
			if err := sendErr(b.errno); err != nil {
				return r.chunk, err
			}
			b.first++
		}
	}
	return 0, nil
}

func (b *batch) clear() {
	for i := range b.n {
		b.heads[i], b.pieces[i], b.runs[i] = mmsghdr{}, syscall.Iovec{}, run{}
	}
	b.n, b.socket = 0, nil
}

func cannotSegment(e syscall.Errno) bool {
	return e == syscall.EINVAL || e == syscall.EIO || e == syscall.ENOPROTOOPT || e == syscall.EMSGSIZE || e == syscall.EOPNOTSUPP
}

// sendOnce sends from the first message on, without waiting: a raw call saves telling the scheduler.
func (b *batch) sendOnce(fd uintptr) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.heads[b.first])), //nolint:gosec // the call keeps nothing
		uintptr(b.n-b.first), syscall.MSG_DONTWAIT, 0, 0)
	b.done, b.errno = int(n), errno
}

// sendApart sends the datagrams of a run one by one, in the place of its message.
func (b *batch) sendApart(r *run) error {
	i := b.first
	b.heads[i].head.Control = nil
	b.heads[i].head.SetControllen(0)
	n := b.n
	defer func() { b.n = n }()
	b.n = i + 1 // no further
	for rest := r.packets; len(rest) > 0; {
		size := min(r.unit, len(rest))
		b.pieces[i].Base = &rest[0]
		b.pieces[i].SetLen(size)
		if err := b.socket.control(b.call); err != nil {
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
