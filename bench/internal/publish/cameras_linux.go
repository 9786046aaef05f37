package publish

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// maxWaiting is how many bytes of packets wait to be sent together.
const maxWaiting = 1 << 20

// cameras sends the clip as many streams of RTP, all from one socket, several streams with one system call.
type cameras struct {
	form   *form
	label  func(s step, source uint32)
	socket *datagram.Socket
	batch  *datagram.Batch
	arena  []byte // the runs of packets that wait
	list   []*camera
}

// camera is one stream.
type camera struct {
	to       datagram.Destination
	source   uint32
	phase    time.Duration // when it begins
	pass     uint32        // through the clip
	step     int
	delivery datagram.Delivery
}

// Destination implements [datagram.Destinations].
func (c *camera) Destination(byte) *datagram.Destination { return &c.to }

// runCameras sends until ctx ends.
func runCameras(ctx context.Context, cfg *Config, c *clip, ready func()) error {
	x := &cameras{batch: datagram.NewBatch(), arena: make([]byte, 0, maxWaiting)}
	var err error
	if x.form, x.label, err = rtpForm(c); err != nil {
		return err
	}
	host, err := netip.ParseAddr(cfg.URL.Hostname())
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	x.socket = datagram.NewSocket(conn)
	defer func() { x.socket.Close() }()
	if err := x.socket.Detach(); err != nil {
		return err
	}
	for i, port := range cfg.Ports {
		x.list = append(x.list, &camera{
			to:     datagram.NewDestination(x.socket, netip.AddrPortFrom(host, uint16(port))),
			source: sourceBase + uint32(i), phase: spread * time.Duration(i) / time.Duration(len(cfg.Ports)),
		})
	}
	ready()
	return x.pace(ctx)
}

// pace sends of all streams what is due, over and over.
func (x *cameras) pace(ctx context.Context) error {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for start := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		elapsed := time.Since(start)
		for i, c := range x.list {
			if err := x.advance(c, elapsed); err != nil {
				return fmt.Errorf("publish: stream %d of %d: %w", i, len(x.list), err)
			}
		}
		if err := x.flush(); err != nil {
			return err
		}
	}
}

// advance queues the steps of a stream that are due.
func (x *cameras) advance(c *camera, elapsed time.Duration) error {
	for {
		s := x.form.steps[c.step]
		late := elapsed - c.phase - time.Duration(c.pass)*x.form.length - s.at
		if late < 0 {
			return nil
		}
		if late > maxBehind {
			return fmt.Errorf("%v behind: the machine does not keep up", late)
		}
		x.form.renew(s, c.pass)
		x.label(s, c.source)
		if err := x.queue(c, x.form.data[s.begin:s.end]); err != nil {
			return err
		}
		if c.step++; c.step == len(x.form.steps) {
			c.step = 0
			c.pass++
		}
	}
}

// queue puts interleaved frames into the batch.
func (x *cameras) queue(c *camera, frames []byte) error {
	if len(x.arena)+2*len(frames) > cap(x.arena) || c.delivery.Chunks > 0 { // the heads of runs are no more than those of frames twice
		if err := x.flush(); err != nil {
			return err
		}
	}
	begin := len(x.arena)
	x.arena = datagram.AppendRuns(x.arena, frames)
	x.batch.Put([][]byte{x.arena[begin:]}, c, &c.delivery)
	return nil
}

// flush sends what waits. What the socket does not take is a fault: the receiver would have to be charged with a loss that is not its own.
func (x *cameras) flush() error {
	x.batch.Flush()
	x.arena = x.arena[:0]
	for i, c := range x.list {
		if c.delivery.Err != nil {
			return errors.Join(fmt.Errorf("publish: stream %d", i), c.delivery.Err)
		}
		c.delivery = datagram.Delivery{}
	}
	return nil
}
