package crowd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// datagrams is the source of a parsed UDP player. A goroutine for each socket hands over what comes.
type datagrams struct {
	session *wire.RTSP
	sockets []*net.UDPConn // RTP and RTCP of the first track, and so on
	packets chan datagram
	stop    chan struct{}
	readers sync.WaitGroup
}

// datagram is an RTP or RTCP packet, or the end of the control connection.
type datagram struct {
	socket int
	data   []byte
	err    error
}

var _ wire.Source = (*datagrams)(nil)

// playUDP asks for the stream at u on the sample's connection.
func (s *sample) playUDP(u *url.URL) (*datagrams, error) {
	local, ok := s.conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("crowd: no IP address")
	}
	d := &datagrams{packets: make(chan datagram, 256), stop: make(chan struct{})}
	session, err := wire.PlayRTSP(s.conn, u, func() (int, error) { return d.open(local.IP) })
	if err != nil {
		d.close()
		return nil, err
	}
	d.session = session
	for i, c := range d.sockets {
		d.readers.Go(func() { d.read(c, i, s.received) })
	}
	d.readers.Go(func() { d.watch(s.conn) })
	return d, nil
}

func (d *datagrams) open(ip net.IP) (int, error) {
	p, err := openPair(ip)
	if err != nil {
		return 0, err
	}
	for i, fd := range [2]int{p.rtp, p.rtcp} {
		c, err := udpConn(fd)
		if err != nil {
			if i == 0 {
				_ = os.NewFile(uintptr(p.rtcp), "").Close()
			}
			return 0, err
		}
		d.sockets = append(d.sockets, c)
	}
	return p.port, nil
}

// udpConn gives a socket to the Go runtime.
func udpConn(fd int) (*net.UDPConn, error) {
	f := os.NewFile(uintptr(fd), "udp")
	defer f.Close() // the connection has a duplicate
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	u, ok := c.(*net.UDPConn)
	if !ok {
		c.Close()
		return nil, errors.New("crowd: no UDP socket")
	}
	return u, nil
}

// read hands over what comes at a socket until it is closed.
func (d *datagrams) read(c *net.UDPConn, socket int, count func(int)) {
	b := make([]byte, 1<<16)
	for {
		n, _, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		count(n)
		d.put(datagram{socket: socket, data: append([]byte(nil), b[:n]...)})
	}
}

// watch reads the control connection, where only replies to keep-alives come, and hands over its end.
func (d *datagrams) watch(c io.Reader) {
	_, err := io.Copy(io.Discard, c)
	if err == nil {
		err = io.EOF
	}
	d.put(datagram{err: fmt.Errorf("crowd: control connection: %w", err)})
}

func (d *datagrams) put(p datagram) {
	select {
	case d.packets <- p:
	case <-d.stop:
	}
}

// Next implements wire.Source.
func (d *datagrams) Next() (wire.Message, error) {
	idle := time.NewTicker(wire.KeepAliveEvery / 2)
	defer idle.Stop()
	for {
		if m, ok := d.session.Queued(); ok {
			return m, nil
		}
		if err := d.session.KeepAlive(); err != nil {
			return wire.Message{}, err
		}
		select {
		case p := <-d.packets:
			if p.err != nil {
				return wire.Message{}, p.err
			}
			if err := d.session.Datagram(p.socket/2, p.socket%2 == 1, p.data); err != nil {
				return wire.Message{}, err
			}
		case <-idle.C:
		case <-d.stop:
			return wire.Message{}, net.ErrClosed
		}
	}
}

// Missing returns how many packets were lost.
func (d *datagrams) Missing() int { return d.session.Missing() }

// close closes the sockets and waits for the goroutines. The control connection must be closed before.
func (d *datagrams) close() {
	close(d.stop)
	for _, c := range d.sockets {
		c.Close()
	}
	d.readers.Wait()
}
