package gb28181

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/framing"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

const (
	// sendReportsEvery is how far apart sender reports are, and reportTimeout how long a receiver report may be out.
	sendReportsEvery = 5 * time.Second
	reportTimeout    = 30 * time.Second
)

// udpLink is a pair of ports, and the address that is sent to.
type udpLink struct {
	server  *Server
	pair    *ports.Pair
	release func()
	local   netip.AddrPort
	remote  netip.AddrPort // not valid until the peer has come
	heard   atomic.Int64   // when a report came, Unix nanoseconds
}

func (l *udpLink) port() int { return l.pair.Port }

func (l *udpLink) addresses() (remote, local netip.AddrPort) {
	return l.remote, l.local
}

func (l *udpLink) close() {
	l.pair.RTP.Close()
	l.pair.RTCP.Close()
	l.release()
}

// send sends to the address, or to the first that sends something.
func (l *udpLink) send(ctx context.Context, x *sender) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var helping sync.WaitGroup
	defer helping.Wait()
	defer l.pair.RTCP.Conn().Close() // end the helping
	if conn := l.pair.RTP.Conn(); conn != nil {
		defer conn.Close()
	}
	if !l.remote.IsValid() {
		return l.sendToFirst(ctx, x, &helping, cancel)
	}
	sink := newUDPSink(l, l.remote, x.label)
	l.help(ctx, x, sink, &helping, cancel)
	ended := make(chan error, 1)
	feed, err := x.player.FeedSink(sink, x.format, media.SinkOptions{OnEnd: func(err error) { ended <- err }})
	if err != nil {
		return err
	}
	defer feed.Close()
	select {
	case err := <-ended:
		if errors.Is(err, io.EOF) {
			return errStreamEnded
		}
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sendToFirst waits for somebody. What the stream has from now on is kept for him.
func (l *udpLink) sendToFirst(ctx context.Context, x *sender, helping *sync.WaitGroup, cancel context.CancelCauseFunc) error {
	r := x.player.ReadFormat(x.format)
	defer r.Close()
	conn := l.pair.RTP.Conn()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
	defer stop()
	if err := conn.SetReadDeadline(time.Now().Add(x.request.connectTime())); err != nil {
		return err
	}
	var b [1500]byte
	_, from, err := conn.ReadFromUDPAddrPort(b[:])
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errNoPeer
	case err != nil:
		return fmt.Errorf("gb28181: %w", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	l.remote = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	sink := newUDPSink(l, l.remote, x.label)
	l.help(ctx, x, sink, helping, cancel)
	return readChunks(ctx, x, r, sink.sendNow)
}

// sendNow sends chunks at once. What the socket does not take now is lost, as it is elsewhere on the way.
func (s *udpSink) sendNow(chunks [][]byte) error {
	if s.own == nil {
		s.own = &labeledBatch{Batch: datagram.NewBatch()}
	}
	s.Queue(s.own, chunks).Flush()
	if _, _, err := s.Result(); err != nil && !errors.Is(err, media.ErrBusy) {
		return err
	}
	return nil
}

// help does what else there is to do for a sender: it receives on the same port, and reports.
func (l *udpLink) help(ctx context.Context, x *sender, sink *udpSink, helping *sync.WaitGroup, cancel context.CancelCauseFunc) {
	conn := l.pair.RTP.Conn()
	if x.source != nil {
		helping.Go(func() { //nolint:contextcheck // what is received has a life of its own
			readMedia(conn, &l.server.buffers, func(b []byte, from netip.AddrPort, now time.Time) *source {
				if _, waits := x.source.packet(b, origin{remote: from, local: l.local, socket: l.pair.RTP}, now); waits {
					return x.source
				}
				return nil
			})
		})
	}
	if x.request.NeedReports {
		l.heard.Store(time.Now().UnixNano())
		helping.Go(l.readReports)
		helping.Go(func() { l.report(ctx, sink, cancel) })
	}
}

// readReports takes note of the peer's reports until the socket is closed.
func (l *udpLink) readReports() {
	var b [1500]byte
	for {
		n, from, err := l.pair.RTCP.Conn().ReadFromUDPAddrPort(b[:])
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(time.Millisecond)
		case n >= minReport && b[0]>>6 == 2 && framing.IsRTCP(b[:n]) && from.Addr().Unmap() == l.remote.Addr():
			l.heard.Store(time.Now().UnixNano())
		}
	}
}

// report sends reports, and ends the sender whose peer sends none.
func (l *udpLink) report(ctx context.Context, sink *udpSink, cancel context.CancelCauseFunc) {
	to := datagram.NewDestination(l.pair.RTCP, netip.AddrPortFrom(l.remote.Addr(), l.remote.Port()+1))
	tick := time.NewTicker(sendReportsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if now.Sub(time.Unix(0, l.heard.Load())) > reportTimeout {
				cancel(errNoReports)
				return
			}
			_ = to.Send(sink.appendReport(nil, now)) // the next one may arrive
		}
	}
}

// appendReport appends a sender report (RFC 3550, 6.4.1).
func (s *udpSink) appendReport(dst []byte, now time.Time) []byte {
	const ntpEpoch = 2208988800 // seconds from 1900 to 1970
	dst = append(dst, 0x80, 200, 0, 6)
	dst = binary.BigEndian.AppendUint32(dst, s.label.ssrc)
	dst = binary.BigEndian.AppendUint32(dst, uint32(now.Unix()+ntpEpoch))
	dst = binary.BigEndian.AppendUint32(dst, uint32(uint64(now.Nanosecond())<<32/uint64(time.Second)))
	dst = binary.BigEndian.AppendUint32(dst, s.stamp.Load())
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.packets.Load()))
	return binary.BigEndian.AppendUint32(dst, uint32(s.octets.Load()))
}
