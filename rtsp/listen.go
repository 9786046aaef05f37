package rtsp

import (
	"errors"
	"net"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// flushEvery is how often packets that wait for one before them are looked at.
const flushEvery = 50 * time.Millisecond

// listener takes what comes to a port.
type listener struct {
	socket *datagram.Socket
	from   *origin
	// take gets what counts. It reports whether packets wait for one that is missing.
	take func(packet []byte, now time.Time) (waits bool)
	// flush passes on what has waited long enough, and reports whether more waits.
	flush func(now time.Time) (waits bool)
}

// listen listens until the socket is closed. It wakes for nothing but what comes, unless packets wait.
func (l *listener) listen() {
	b := make([]byte, 64<<10)
	conn, timed := l.socket.Conn(), false
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		now := time.Now()
		waits, over := timed, false
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case isTimeout(err):
			waits, over = l.flush(now), true
		case err != nil:
			time.Sleep(time.Millisecond)
		case l.from.takes(from):
			waits = l.take(b[:n], now)
		}
		if waits != timed || over {
			timed = waits
			l.wake(timed, now)
		}
	}
}

// wake sets when listen wakes if nothing comes.
func (l *listener) wake(timed bool, now time.Time) {
	at := time.Time{}
	if timed {
		at = now.Add(flushEvery)
	}
	_ = l.socket.Conn().SetReadDeadline(at)
}

// nothingWaits is the flush of RTCP.
func nothingWaits(time.Time) bool { return false }
