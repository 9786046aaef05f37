package platform_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

// receiver takes RTP and counts it. It tells of the first packet of each port.
type receiver struct {
	arrived func(media.StreamKey)

	mu     sync.Mutex
	ports  map[media.StreamKey]*port
	opened int
	loops  sync.WaitGroup
}

// port is one of a receiver.
type port struct {
	request gb28181.Request
	packets int // with the SSRC that is asked for
	others  int
	closers []io.Closer
}

func newReceiver() *receiver { return &receiver{ports: map[media.StreamKey]*port{}} }

// Open implements platform.Receiver.
func (r *receiver) Open(_ context.Context, q gb28181.Request) (*gb28181.Port, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ports[q.Stream] != nil {
		return nil, gb28181.ErrExists
	}
	p := &port{request: q}
	r.ports[q.Stream] = p
	r.opened++
	answer := &gb28181.Port{Stream: q.Stream, Mode: q.Mode, Number: 9}
	switch q.Mode {
	case gb28181.UDP:
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, c)
		answer.Number = c.LocalAddr().(*net.UDPAddr).Port
		r.loops.Go(func() {
			b := make([]byte, 2000)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				r.take(p, b[:n])
			}
		})
	case gb28181.TCPPassive:
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, ln)
		answer.Number = ln.Addr().(*net.TCPAddr).Port
		r.loops.Go(func() {
			if c, err := ln.Accept(); err == nil {
				r.read(p, c)
			}
		})
	case gb28181.TCPActive:
	}
	return answer, nil
}

// read reads the packets of a connection (RFC 4571).
func (r *receiver) read(p *port, c net.Conn) {
	defer c.Close()
	r.mu.Lock()
	p.closers = append(p.closers, c)
	r.mu.Unlock()
	in := bufio.NewReader(c)
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		r.take(p, b)
	}
}

func (r *receiver) take(p *port, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(b) < 12 || binary.BigEndian.Uint32(b[8:]) != p.request.SSRC {
		p.others++
		return
	}
	p.packets++
	if p.packets == 1 && r.arrived != nil {
		r.loops.Go(func() { r.arrived(p.request.Stream) })
	}
}

// ClosePort implements platform.Receiver.
func (r *receiver) ClosePort(key media.StreamKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.ports[key]
	if p == nil {
		return false
	}
	delete(r.ports, key)
	for _, c := range p.closers {
		c.Close()
	}
	return true
}

// Connect implements platform.Receiver.
func (r *receiver) Connect(ctx context.Context, key media.StreamKey, host string, number int) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(number)))
	if err != nil {
		return err
	}
	r.mu.Lock()
	p := r.ports[key]
	r.mu.Unlock()
	r.loops.Go(func() { r.read(p, c) })
	return nil
}

// SetSSRC implements platform.Receiver.
func (r *receiver) SetSSRC(_ context.Context, key media.StreamKey, ssrc uint32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ports[key].request.SSRC = ssrc
	return nil
}

// count returns how many ports are open, and what has come on that of a stream.
func (r *receiver) count(key media.StreamKey) (open, packets, others int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.ports[key.Canonical()]; p != nil {
		packets, others = p.packets, p.others
	}
	return len(r.ports), packets, others
}
