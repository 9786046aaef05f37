package crowd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	narrowSegment = 1448
	narrowBuffer  = 64 << 10
)

// conn is a TCP connection the Go runtime does not know of. A net.Conn would stand in the runtime's epoll set, and
// every segment would wake it up, at the expense of the server, in whose system call loopback delivers.
type conn struct{ fd int }

var _ io.ReadWriteCloser = (*conn)(nil)

// dial connects and gives every later call up to timeout. A thin connection holds little data, see narrow.
func dial(addr *net.TCPAddr, timeout time.Duration, thin bool) (*conn, error) {
	family, to := sockaddr(addr)
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	c := &conn{fd}
	if thin {
		err = narrow(fd)
	}
	if err = errors.Join(err, c.open(to, timeout)); err != nil {
		c.Close()
		return nil, fmt.Errorf("crowd: connect %v: %w", addr, err)
	}
	return c, nil
}

func (c *conn) open(to syscall.Sockaddr, timeout time.Duration) error {
	limit := syscall.NsecToTimeval(timeout.Nanoseconds())
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if err := syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, option, &limit); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("connect", c.connect(to))
}

// connect blocks until the connection stands. A signal interrupts the call but not the connecting; calling again
// waits on.
func (c *conn) connect(to syscall.Sockaddr) error {
	for {
		err := syscall.Connect(c.fd, to)
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.EALREADY):
			continue
		case errors.Is(err, syscall.EISCONN):
			return nil
		}
		return err
	}
}

// narrow gives a socket that is not yet connected the segments and the receive buffer of a slow path over Ethernet.
// Loopback's segments of 64 KB make the kernel take some 15 s of a 2 Mbit/s stream off the server's hands, and a player
// that stops reading would go unnoticed for that long.
func narrow(fd int) error {
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, narrowSegment); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, narrowBuffer))
}

// Read implements io.Reader, blocking.
func (c *conn) Read(b []byte) (int, error) {
	n, err := retry(func() (int, error) { return syscall.Read(c.fd, b) })
	if n == 0 && err == nil && len(b) > 0 {
		return 0, io.EOF
	}
	return n, os.NewSyscallError("read", err)
}

// Write implements io.Writer, blocking.
func (c *conn) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := retry(func() (int, error) { return syscall.Write(c.fd, b[done:]) })
		if err != nil {
			return done, os.NewSyscallError("write", err)
		}
		done += n
	}
	return done, nil
}

// localIP returns the address of this end.
func (c *conn) localIP() (net.IP, error) {
	name, err := syscall.Getsockname(c.fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return name.Addr[:], nil
	case *syscall.SockaddrInet6:
		return name.Addr[:], nil
	}
	return nil, errors.New("crowd: no IP address")
}

// Close implements io.Closer.
func (c *conn) Close() error { return syscall.Close(c.fd) }

// drop throws away what waits in the socket, at most len(scratch) bytes, and returns how much it was; with MSG_TRUNC,
// tcp(7), Linux does not even copy it. It never blocks: with nothing there the error is EAGAIN.
func (c *conn) drop(scratch []byte) (int, error) {
	return retry(func() (int, error) {
		n, _, err := syscall.Recvfrom(c.fd, scratch, syscall.MSG_TRUNC|syscall.MSG_DONTWAIT)
		return n, err
	})
}

// retry repeats an interrupted call.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR { //nolint:errorlint // a bare errno
			return max(n, 0), err
		}
	}
}

func sockaddr(addr *net.TCPAddr) (int, syscall.Sockaddr) {
	if ip := addr.IP.To4(); ip != nil {
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip)}
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())}
}
