package paced

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"
)

const backlog = 4096

// Sender writes one clip to everybody who connects, from one goroutine and over raw descriptors. Nothing is allocated
// and nothing copied per write: all sockets are given slices of the same clip.
type Sender struct {
	clip    *Clip
	listen  int
	players []player
	now     uint64 // how much of the endlessly repeated clip is due
}

// player is one socket and how much of the endlessly repeated clip it has got.
type player struct {
	fd   int
	sent uint64
}

// Listen opens a listening socket at addr.
func Listen(addr netip.AddrPort, clip *Clip) (*Sender, error) {
	fd, err := syscall.Socket(family(addr), syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("paced: socket: %w", err)
	}
	s := &Sender{clip: clip, listen: fd}
	if err := s.bind(addr); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Sender) bind(addr netip.AddrPort) error {
	if err := syscall.SetsockoptInt(s.listen, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("paced: SO_REUSEADDR: %w", err)
	}
	if err := syscall.Bind(s.listen, sockaddr(addr)); err != nil {
		return fmt.Errorf("paced: bind %v: %w", addr, err)
	}
	if err := syscall.Listen(s.listen, backlog); err != nil {
		return fmt.Errorf("paced: listen %v: %w", addr, err)
	}
	return nil
}

// Run sends the clip over and over in real time until ctx ends. Whoever connects starts at the next step.
func (s *Sender) Run(ctx context.Context) error {
	start := time.Now()
	for {
		for _, step := range s.clip.Steps {
			time.Sleep(time.Until(start.Add(step.At)))
			if ctx.Err() != nil {
				return nil
			}
			if err := s.accept(); err != nil {
				return err
			}
			s.advance(step.End)
			s.send()
		}
		start = start.Add(s.clip.Length)
	}
}

// Close closes all sockets.
func (s *Sender) Close() {
	syscall.Close(s.listen)
	for _, p := range s.players {
		syscall.Close(p.fd)
	}
}

// accept takes in everybody who waits.
func (s *Sender) accept() error {
	for {
		fd, _, err := syscall.Accept4(s.listen, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ECONNABORTED):
			continue
		case err != nil:
			return fmt.Errorf("paced: accept: %w", err)
		}
		if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
			syscall.Close(fd)
			continue
		}
		s.players = append(s.players, player{fd: fd, sent: s.now})
	}
}

// advance moves the due position to offset end of the current pass through the clip. The last step of a pass ends at
// the clip's very end, so the next one begins a pass by itself.
func (s *Sender) advance(end int) {
	size := uint64(len(s.clip.Data))
	s.now = s.now/size*size + uint64(end)
}

// send writes what is due to every player and drops those who left.
func (s *Sender) send() {
	kept := s.players[:0]
	for _, p := range s.players {
		if s.write(&p) {
			kept = append(kept, p)
			continue
		}
		syscall.Close(p.fd)
	}
	s.players = kept
}

// write hands p what it has not got yet: one system call, two where the clip begins again. False means p has left or
// is so far behind that it could never catch up.
func (s *Sender) write(p *player) bool {
	size := uint64(len(s.clip.Data))
	for p.sent < s.now {
		at := p.sent % size
		n := min(s.now-p.sent, size-at)
		wrote, errno := write(p.fd, s.clip.Data[at:at+n])
		if errno == syscall.EAGAIN {
			return s.now-p.sent < size
		}
		if errno != 0 {
			return false
		}
		p.sent += wrote
	}
	return true
}

// write is the bare system call. The runtime's scheduler is not told of it: the socket does not block.
func write(fd int, b []byte) (uint64, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if errno != syscall.EINTR {
			return uint64(n), errno
		}
	}
}

func family(addr netip.AddrPort) int {
	if addr.Addr().Is4() {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

func sockaddr(addr netip.AddrPort) syscall.Sockaddr {
	if addr.Addr().Is4() {
		return &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	return &syscall.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
}
