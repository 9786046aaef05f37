package idle

import (
	"net"
	"os"
	"syscall"
)

const canPoll = true

// poll is an epoll instance (epoll(7)) of our own, next to the runtime's, which cannot wait without a goroutine. The runtime
// watches ours: the goroutine that works for it takes no thread of the system while nothing comes.
type poll struct {
	fd   int
	file *os.File
	done chan struct{}
}

// maxReady is how many connections are taken from the system at once.
const maxReady = 128

// newPoll returns a poll that calls ready with the number of each connection that can be read.
func newPoll(ready func(number uint64)) (*poll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // so that the runtime takes it for something to watch
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &poll{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), done: make(chan struct{})}
	raw, err := p.file.SyscallConn()
	if err != nil {
		p.file.Close()
		return nil, err
	}
	go p.run(raw, ready)
	return p, nil
}

// run hands on what is ready, until the poll is closed.
func (p *poll) run(raw syscall.RawConn, ready func(number uint64)) {
	defer close(p.done)
	events := make([]syscall.EpollEvent, maxReady)
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n = look(int(fd), events)
			return n > 0
		})
		if err != nil {
			return
		}
		for _, e := range events[:n] {
			ready(number(e))
		}
	}
}

// look fills events with what is ready, and returns how many there are.
func look(fd int, events []syscall.EpollEvent) int {
	for {
		n, err := syscall.EpollWait(fd, events, 0)
		if err != syscall.EINTR {
			return max(n, 0)
		}
	}
}

// interest is what a connection is watched for: something to read, or its end, once.
const interest = syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT

func event(number uint64) *syscall.EpollEvent {
	return &syscall.EpollEvent{Events: interest, Fd: int32(uint32(number)), Pad: int32(uint32(number >> 32))}
}

func number(e syscall.EpollEvent) uint64 { return uint64(uint32(e.Pad))<<32 | uint64(uint32(e.Fd)) }

// add watches a connection once. It is forgotten when it is closed.
func (p *poll) add(c *net.TCPConn, number uint64) error {
	return p.control(c, syscall.EPOLL_CTL_ADD, number)
}

// again watches a connection that was added once more.
func (p *poll) again(c *net.TCPConn, number uint64) error {
	return p.control(c, syscall.EPOLL_CTL_MOD, number)
}

func (p *poll) control(c *net.TCPConn, op int, number uint64) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = syscall.EpollCtl(p.fd, op, int(fd), event(number)) })
	if err != nil {
		return err
	}
	return failed
}

// close ends the poll and waits for its goroutine.
func (p *poll) close() {
	p.file.Close()
	<-p.done
}
