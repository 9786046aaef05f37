package rtsp

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

const (
	// flushEvery is how often packets that wait for one before them are looked at.
	flushEvery = 50 * time.Millisecond
	// silentFor is, three times, for how long nothing comes until all that a client has sent before it tore down is believed to be there.
	silentFor = 10 * time.Millisecond
	// maxDrain bounds how long that is waited for.
	maxDrain = time.Second
)

// listener takes what comes to a port.
type listener struct {
	socket *datagram.Socket
	from   *origin
	// take gets what counts. It reports whether packets wait for one that is missing.
	take func(packet []byte, now time.Time) (waits bool)
	// flush passes on what has waited long enough, and reports whether more waits.
	flush func(now time.Time) (waits bool)

	ended chan struct{} // closed when it listens no more

	mu       sync.Mutex // guards draining, and when the socket wakes
	draining bool
}

func newListener(socket *datagram.Socket, from *origin, take func([]byte, time.Time) bool, flush func(time.Time) bool) *listener {
	return &listener{socket: socket, from: from, take: take, flush: flush, ended: make(chan struct{})}
}

// listen listens until the socket is closed, or drained. It wakes for nothing but what comes, unless packets wait.
func (l *listener) listen() {
	defer close(l.ended)
	b := make([]byte, 64<<10)
	conn, timed, silent := l.socket.Conn(), false, 0
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		now := time.Now()
		waits, over := timed, false
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case isTimeout(err):
			waits, over = l.flush(now), true
			if l.drains() {
				if silent++; silent > 2 && !waits { // a deadline may be over before it has looked
					return
				}
			}
		case err != nil:
			time.Sleep(time.Millisecond)
		case l.from.takes(from):
			waits, silent = l.take(b[:n], now), 0
		}
		if waits != timed || over || l.drains() {
			timed = waits
			l.wake(timed, now)
		}
	}
}

// wake sets when listen wakes if nothing comes.
func (l *listener) wake(timed bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Time{}
	switch {
	case l.draining:
		at = now.Add(silentFor)
	case timed:
		at = now.Add(flushEvery)
	}
	_ = l.socket.Conn().SetReadDeadline(at)
}

func (l *listener) drains() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.draining
}

// listeners are those of a session's media.
type listeners []*listener

// drain lets them take what has come and is still on its way, and ends them.
func (list listeners) drain() {
	for _, l := range list {
		l.mu.Lock()
		l.draining = true
		_ = l.socket.Conn().SetReadDeadline(time.Now().Add(silentFor))
		l.mu.Unlock()
	}
	limit := time.After(maxDrain)
	for _, l := range list {
		select {
		case <-l.ended:
		case <-limit:
			return
		}
	}
}

// nothingWaits is the flush of RTCP.
func nothingWaits(time.Time) bool { return false }
