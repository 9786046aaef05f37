package rtsp

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"unsafe"
)

// canSegment says that the system has UDP generic segmentation offload: one call sends a run of datagrams.
const canSegment = true

const (
	solUDP     = 17
	udpSegment = 103
)

// destination is an address as one socket sends to it. It is for one goroutine at a time.
type destination struct {
	socket *datagramSocket
	to     netip.AddrPort
	addr   syscall.Sockaddr
	oob    []byte // the control message with the size of segments
	call   func(fd uintptr)

	// What is sent now, and what came of it.
	packets []byte
	ancil   []byte
	err     error
}

func newDestination(s *datagramSocket, to netip.AddrPort) *destination {
	d := &destination{socket: s, to: to, addr: sockaddr(s, to), oob: make([]byte, syscall.CmsgSpace(2))}
	h := (*syscall.Cmsghdr)(unsafe.Pointer(&d.oob[0])) //nolint:gosec // the layout is the system's
	h.Level, h.Type = solUDP, udpSegment
	h.SetLen(syscall.CmsgLen(2))
	d.call = d.sendmsg
	return d
}

// sockaddr returns the address in the family of the socket.
func sockaddr(s *datagramSocket, to netip.AddrPort) syscall.Sockaddr {
	v4 := false
	_ = s.raw.Control(func(fd uintptr) {
		if name, err := syscall.Getsockname(int(fd)); err == nil {
			_, v4 = name.(*syscall.SockaddrInet4)
		}
	})
	if v4 {
		return &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
	}
	return &syscall.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
}

// send sends packets: datagrams of unit bytes, but for the last.
func (d *destination) send(packets []byte, unit int) error {
	if len(packets) > unit && d.socket.gso.Load() {
		binary.NativeEndian.PutUint16(d.oob[syscall.CmsgLen(0):], uint16(unit))
		err := d.sendOnce(packets, d.oob)
		if !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOPROTOOPT) &&
			!errors.Is(err, syscall.EMSGSIZE) {
			return sendErr(err)
		}
		d.socket.gso.Store(false) // this system or device cannot
	}
	for len(packets) > 0 {
		n := min(unit, len(packets))
		if err := sendErr(d.sendOnce(packets[:n], nil)); err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}

func (d *destination) sendOnce(packets, oob []byte) error {
	d.packets, d.ancil = packets, oob
	err := d.socket.raw.Control(d.call)
	d.packets, d.ancil = nil, nil
	if err != nil {
		return err
	}
	return d.err
}

func (d *destination) sendmsg(fd uintptr) {
	_, d.err = syscall.SendmsgN(int(fd), d.packets, d.ancil, d.addr, syscall.MSG_DONTWAIT)
}
